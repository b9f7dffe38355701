"""`--package DIR`: a trainer package that somebody wrote for Vertex AI or ML Engine."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from pathlib import Path

from mlmagic.errors import PackageError, nearest
from mlmagic.source.cold import cold_reason
from mlmagic.source.digest import digest_of
from mlmagic.source.folder import check_size, read_file, read_folder
from mlmagic.spec.package import CellShape, TrainerPackage

# What `pip install` looks at, beside the packages themselves.
_PROJECT_FILES = (
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "README.rst",
    "README.txt",
    "pyproject.toml",
    "requirements.txt",
    "setup.cfg",
    "setup.py",
)


def read_package(directory: Path, module: str = "trainer.task") -> TrainerPackage:
    """Read a package. `directory` is the package itself, as gcloud's `--package-path`, or the folder that holds it.

    Raises:
        PackageError: it cannot run; the text says why and what to do.
    """
    _check_module_name(module)
    top = module.partition(".")[0]
    root = _find_root(directory, top)
    files, notes = _read_package_alone(root, top) if root != directory.expanduser().resolve() else _read_project(root)
    _check_module(files, module, root)
    _check_syntax({name: content for name, content in files.items() if name.startswith(f"{top}/")})
    return TrainerPackage(
        shape=CellShape.GIVEN,
        module=module,
        files=files,
        requirements=_requirements(files),
        digest=digest_of(files),
        cold_reason=cold_reason(files),
        notes=notes,
    )


def _check_module_name(module: str) -> None:
    if not all(part.isidentifier() for part in module.split(".")):
        raise PackageError(
            f"--module {module!r} is not the name of a module.",
            hint="Write it as in `python -m`: --module trainer.task, without .py and with dots.",
        )


def _find_root(directory: Path, top: str) -> Path:
    """Return the folder that holds the package."""
    directory = directory.expanduser()
    if not directory.exists():
        siblings = [path.name for path in directory.parent.iterdir()] if directory.parent.is_dir() else []
        raise PackageError(f"--package {directory}: no such directory.", hint=nearest(directory.name, siblings) or None)
    if not directory.is_dir():
        raise PackageError(
            f"--package {directory} is a file; it takes the folder of a package.",
            hint=f"Try --package {directory.parent}.",
        )
    directory = directory.resolve()
    if (directory / top / "__init__.py").exists():
        return directory
    if (directory / "__init__.py").exists():
        if directory.name == top:
            return directory.parent
        raise PackageError(
            f"--package {directory} is a package called {directory.name}, and --module begins with {top}.",
            hint=f"Try --module {directory.name}.task, or give the folder that holds {top}.",
        )
    folder = directory / top if (directory / top).is_dir() else directory
    if folder.name == top:
        raise PackageError(
            f"--package {directory}: {folder} has no __init__.py, so it is not a package.",
            hint=f"Create it, empty: touch {folder / '__init__.py'}",
        )
    packages = [path.parent.name for path in sorted(directory.glob("*/__init__.py"))]
    raise PackageError(
        f"--package {directory} holds no package {top}; it holds {', '.join(packages) or 'no package at all'}.",
        hint=f"Try --module {packages[0]}.task." if packages else "A package is a folder with an __init__.py.",
    )


def _read_package_alone(root: Path, top: str) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return one package with the project files beside it."""
    files = {f"{top}/{name}": content for name, content in read_folder(root / top).items()}
    files.update({name: read_file(root / name, root) for name in _PROJECT_FILES if (root / name).is_file()})
    return files, ()


def _read_project(root: Path) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the packages, modules and project files of a folder, and a note on its other folders."""
    files: dict[str, bytes] = {}
    left_out = []
    for path in sorted(root.iterdir()):
        if path.is_dir() and (path / "__init__.py").exists():
            files.update({f"{path.name}/{name}": content for name, content in read_folder(path).items()})
            check_size(root, len(files), sum(map(len, files.values())))
        elif path.is_dir() and not path.name.startswith((".", "__")):
            left_out.append(f"{path.name}/")
        elif path.is_file() and (path.suffix == ".py" or path.name in _PROJECT_FILES):
            files[path.name] = read_file(path, root)
    return files, (f"left out, not being packages: {', '.join(left_out)}",) if left_out else ()


def _check_module(files: Mapping[str, bytes], module: str, root: Path) -> None:
    path = module.replace(".", "/")
    if f"{path}.py" not in files and f"{path}/__main__.py" not in files:
        names = [file.removesuffix(".py").replace("/", ".") for file in files if "/" in file and file.endswith(".py")]
        names = [name for name in names if not name.endswith("__init__")]
        raise PackageError(
            f"--module {module}: {root} has no {path}.py.",
            hint=nearest(module, names) or f"It has {', '.join(names) or 'no modules'}.",
        )
    parents = [path[:index] for index, letter in enumerate(path) if letter == "/"]
    for parent in parents:
        if f"{parent}/__init__.py" not in files:
            raise PackageError(
                f"--module {module}: {root / parent} has no __init__.py, so it is not a package.",
                hint=f"Create it, empty: touch {root / parent / '__init__.py'}",
            )


def _check_syntax(files: Mapping[str, bytes]) -> None:
    problems = []
    for name, content in files.items():
        if name.endswith(".py"):
            try:
                with warnings.catch_warnings(action="ignore"):  # an old trainer's invalid escapes are not our business
                    ast.parse(content, name)
            except SyntaxError as error:
                problems.append(f"{name}, line {error.lineno}: {error.msg}")
            except ValueError as error:
                problems.append(f"{name}: {error}")
    if problems:
        old = any("Missing parentheses in call to 'print'" in problem for problem in problems)
        raise PackageError(
            "the package has files that are not Python:",
            problems=problems,
            hint="It was written for Python 2; `2to3 -w` or `futurize` mends most of it." if old else None,
        )


def _requirements(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the lines of requirements.txt, for show: what setup.py says is not executed."""
    text = files.get("requirements.txt", b"").decode("utf-8", "replace")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return tuple(line for line in lines if line and not line.startswith("-"))
