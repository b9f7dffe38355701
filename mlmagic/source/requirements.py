"""Imported modules to pinned distributions, or to files of the user's own."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import CellError
from mlmagic.source.folder import read_folder
from mlmagic.source.imports import Import, imports_of
from mlmagic.source.parts import PACKAGE, offer, part_files

if TYPE_CHECKING:
    from importlib.metadata import Distribution

Installed = Callable[[str], tuple[str, str] | None]
LocalModules = Callable[[str], Path | None]

# Distributions that provide a module of another name, the likeliest first.
_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "Bio": ("biopython",),
    "IPython": ("ipython",),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow",),
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python"),
    "dateutil": ("python-dateutil",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "git": ("gitpython",),
    "mpl_toolkits": ("matplotlib",),
    "pkg_resources": ("setuptools",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "pylab": ("matplotlib",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly", "tf-nightly-cpu"),
    "umap": ("umap-learn",),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
    "google.protobuf": ("protobuf",),
    "google.cloud.aiplatform": ("google-cloud-aiplatform",),
    "vertexai": ("google-cloud-aiplatform",),
}
_NAMESPACES = frozenset({"google", "azure", "ruamel", "opentelemetry"})
# What a program needs without importing it, and the sign of it: (imported module, text of the program, modules).
_IMPLIED: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("tensorflow", "", ("keras", "tensorboard")),
    ("keras", "", ("tensorflow", "tensorboard")),
    ("pandas", "_parquet(", ("pyarrow",)),
    ("pandas", "_feather(", ("pyarrow",)),
    ("pandas", "_excel(", ("openpyxl",)),
    ("pandas", "_hdf(", ("tables",)),
    ("pandas", "gs://", ("gcsfs",)),
    ("pandas", "s3://", ("s3fs",)),
)


@dataclass(slots=True)
class Requirements:
    """What the program needs: pins for pip, the user's own modules as files, and those of the package itself."""

    pins: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    missing: dict[str, Import] = field(default_factory=dict)
    not_parts: dict[str, Import] = field(default_factory=dict)
    """What it imports from the package, and is not there."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines of requirements.txt."""
        return tuple(f"{name}=={self.pins[name]}" for name in sorted(self.pins, key=str.lower))


def find_requirements(
    tree: ast.Module,
    text: str,
    *,
    modules: Sequence[str],
    installed: Installed,
    local_modules: LocalModules,
    place: Callable[[int], str],
    files: Mapping[str, bytes] | None = None,
) -> Requirements:
    """Return what a program needs.

    Args:
        tree: the program.
        text: its text.
        modules: modules that it needs besides those it imports.
        installed: distribution and version that provide a module.
        local_modules: file or folder of a module that is not installed.
        place: says where a line of the program stands in the notebook.
        files: what comes into the package in any case, by path.

    Raises:
        CellError: modules that are nowhere, or a local one that cannot come along; all are listed.
    """
    found = Requirements()
    seen: set[str] = set()
    wanted = [*imports_of(tree), *(Import(name=name, line=0, optional=True) for name in modules)]
    wanted += _add_files(files or {}, found)
    while wanted:
        # What the program cannot do without comes first: a module is looked up once.
        wanted.sort(key=lambda item: item.optional)
        wanted = [more for item in wanted for more in _resolve(item, found, seen, installed, local_modules)]
    for module, sign, implied in _IMPLIED:
        if module in seen and sign in text:
            for name in implied:
                _resolve(Import(name=name, line=0, optional=True), found, seen, installed, lambda _: None)
    if found.not_parts:
        raise CellError(
            f"the cell imports from `{PACKAGE}`, its own package, what is not there:",
            problems=[f"`{name}` ({_origin(item, place)})" for name, item in found.not_parts.items()],
            hint=offer(),
        )
    if found.missing:
        raise CellError(
            "the cell imports modules that are neither installed nor files of your own:",
            problems=[f"`{name}` ({_origin(item, place)})" for name, item in found.missing.items()],
            hint=f"Run `%pip install {' '.join(found.missing).replace('.', '-')}`, or put their .py files beside the "
            "notebook.",
        )
    return found


def _origin(item: Import, place: Callable[[int], str]) -> str:
    return f"{item.file}, line {item.line}" if item.file else place(item.line)


def _resolve(
    item: Import, found: Requirements, seen: set[str], installed: Installed, local_modules: LocalModules
) -> list[Import]:
    """Note where a module comes from; return what its own files import."""
    if item.top == PACKAGE:
        return _resolve_part(item, found, local_modules)
    key = item.name if item.top in _NAMESPACES else item.top
    if key in seen or item.top in sys.stdlib_module_names or item.top == "__main__":
        return []
    seen.add(key)
    distribution = installed(key)
    if distribution is not None:
        name, version = distribution
        found.pins[name] = _public_version(name, version, found.notes)
        return []
    path = local_modules(item.top)
    if path is not None:
        return _add_local(item.top, path, found)
    if not item.optional:
        found.missing[key] = item
    return []


def _resolve_part(item: Import, found: Requirements, local_modules: LocalModules) -> list[Import]:
    """Add what a program imports from the package that it becomes; return what that imports."""
    files = part_files(item)
    if files is not None:
        return _add_files(files, found)
    if item.optional or (item.file or "").startswith(f"{PACKAGE}/"):  # the modules of the package know one another
        return []
    path = local_modules(PACKAGE)
    if path is not None:
        return _add_local(PACKAGE, path, found)
    found.not_parts[item.name] = item
    return []


def _public_version(name: str, version: str, notes: list[str]) -> str:
    """Return the version without its local part, such as `+cpu`, which no index has."""
    public, plus, _ = version.partition("+")
    if plus:
        notes.append(f"{name} {version} is required as {name}=={public}: package indexes do not have local versions")
    return public


def _add_local(name: str, path: Path, found: Requirements) -> list[Import]:
    if name in ("trainer", "setup"):
        raise CellError(
            f"the module `{name}` ({path}) has the name of a part of the trainer package.",
            hint="Give it another name, and import it by that.",
        )
    found.notes.append(f"`{name}` is copied from {path}")
    return _add_files(_local_files(name, path), found, path)


def _add_files(files: Mapping[str, bytes], found: Requirements, path: Path = Path()) -> list[Import]:
    """Add files to the package, and return what they import; `path` is where they were."""
    imported: list[Import] = []
    for file in sorted(files.keys() - found.files.keys()):
        found.files[file] = files[file]
        if file.endswith(".py"):
            imported += [replace(item, file=file) for item in _imports_of_file(path, file, files[file])]
    return imported


def _local_files(name: str, path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {path.name: path.read_bytes()}
    # A folder that is no package is whatever lies beside the notebook: its data stays there.
    suffix = "" if (path / "__init__.py").exists() else ".py"
    return {f"{name}/{inner}": content for inner, content in read_folder(path, suffix=suffix).items()}


def _imports_of_file(path: Path, file: str, content: bytes) -> list[Import]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of code that worked so far
            return imports_of(ast.parse(content, file))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise CellError(f"{path}: {file}{f' line {line}' if line else ''} is not Python: {error}.") from error


def installed_distribution(module: str) -> tuple[str, str] | None:
    """Return name and version of the distribution that provides a module, or None.

    One that was installed from a folder (`pip install -e .`) counts as the user's own files: no index has it.
    """
    from importlib import metadata

    parts = module.split(".")
    prefixes = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    candidates = [name for prefix in prefixes for name in (*_PROVIDERS.get(prefix, ()), prefix.replace(".", "-"))]
    for name in candidates:
        try:
            distribution = metadata.distribution(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
        if _provides(distribution, parts[0]):
            return _name_and_version(distribution)
    if parts[0] in _NAMESPACES or _location(parts[0]) is None or local_module(parts[0]) is not None:
        return None
    # What is installed under an unexpected name: the file lists as text, as parsing all of them takes half a second.
    listed = re.compile(rf"^{re.escape(parts[0])}(/|\.py,|\.[^,/]+\.so,)", re.MULTILINE)
    for distribution in metadata.distributions():
        if listed.search(distribution.read_text("RECORD") or ""):
            return _name_and_version(distribution)
    return None


def _provides(distribution: Distribution, top: str) -> bool:
    package = Path(str(distribution.locate_file(top)))
    return package.is_dir() or package.with_suffix(".py").exists() or any(package.parent.glob(f"{top}.*.so"))


def _name_and_version(distribution: Distribution) -> tuple[str, str] | None:
    import json

    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if "dir_info" in origin:
        return None
    # The two fields alone: parsing the whole of a long README takes milliseconds.
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    fields = dict(re.findall(r"^(Name|Version): *(\S+)", text.partition("\n\n")[0], re.MULTILINE))
    name, version = fields.get("Name") or distribution.name, fields.get("Version") or distribution.version
    return re.sub(r"[-_.]+", "-", name).lower(), version


def local_module(module: str) -> Path | None:
    """Return the file or package folder of a module that the interpreter finds outside of installed packages."""
    path = _location(module)
    return None if path is None or {"site-packages", "dist-packages"} & set(path.parts) else path


def _location(module: str) -> Path | None:
    """Return where the interpreter would import a top-level module from."""
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # ValueError: a module made by hand, without a spec
        return None
    if spec is not None and spec.submodule_search_locations:
        folder = Path(next(iter(spec.submodule_search_locations)))
        return folder if spec.has_location or any(folder.glob("*.py")) else None
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
