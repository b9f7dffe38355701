"""Which distributions of this machine a container has: those of its image, and what was installed in it.

They are told by the distributions' own metadata, so what they need comes with them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from mlmagic.emulator.container.task import ContainerTask
from mlmagic.workspace.files import append, make_folder, write_atomic

_ALWAYS = ("pip", "setuptools", "wheel")
"""What Python's own images, and those made from them, come with."""
_SAME = {"tensorflow": ("tensorflow-cpu", "tensorflow-intel", "tensorflow-macos")}
"""Distributions that hold the same modules under another name."""
_OWN = "mlmagic"
_DEPTH = 4
"""How many names of a module tell whose it is: `google.cloud.aiplatform.v1` is shared up to the third."""
_HOOK = Path(__file__).with_name("hook.py")
_INSTALLED = "installed.txt"
_HIDDEN = "hidden.json"


def write_hook(folder: Path, task: ContainerTask, cache: Path) -> None:
    """Write what hides the rest of this machine from the programs of a container into a folder of their path.

    Nothing is hidden of an image that is not known. `cache` is a folder that keeps what was found for later containers.
    """
    make_folder(folder)
    if task.is_known:
        _write(folder, task.image_uri, [*task.distributions, *_lines(folder / _INSTALLED)], cache)


def add_installed(folder: Path, requirements: Iterable[str], task: ContainerTask) -> None:
    """Let the programs of a container see what was installed in it."""
    append(folder / _INSTALLED, "".join(f"{requirement}\n" for requirement in requirements))
    if (folder / _HIDDEN).exists():
        cache = Path(json.loads((folder / _HIDDEN).read_text("utf-8"))["cache"])
        write_hook(folder, task, cache)


def hidden(requirements: Iterable[str]) -> dict[str, list[str]]:
    """Return the distributions of this machine that do not belong to these, and the modules that they alone have."""
    here = _here()
    seen = _needed([*_ALWAYS, *requirements], here)
    theirs: set[str] = set()
    others: set[str] = set()
    for name, distribution in here.items():
        (theirs if name in seen else others).update(_modules(name, distribution))
    return {"distributions": sorted(here.keys() - seen), "modules": sorted(_shortest(others - theirs))}


def _write(folder: Path, image: str, requirements: Sequence[str], cache: Path) -> None:
    # Whatever is installed or removed here, a folder of `sys.path` is another then.
    changed = [Path(one).stat().st_mtime_ns for one in sys.path if Path(one).is_dir()]
    key = json.dumps([sorted(requirements), sys.path, changed])
    kept = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    try:
        found = json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):
        found = hidden(requirements)
        make_folder(cache)
        write_atomic(kept, json.dumps(found), sync=False)
    write_atomic(folder / _HIDDEN, json.dumps({"image": image, "cache": str(cache), **found}), sync=False)
    write_atomic(folder / "sitecustomize.py", _HOOK.read_text("utf-8"), sync=False)


def _here() -> dict[str, metadata.Distribution]:
    """Return the distributions of this machine. Their names are read off their folders: that is ten times as quick."""
    return {
        _canonical(path.name.rpartition(".")[0].partition("-")[0]): metadata.PathDistribution(path)
        for folder in reversed(sys.path)
        for ending in ("egg-info", "dist-info")
        for path in Path(folder).glob(f"*.{ending}")
    }


def _needed(requirements: Iterable[str], here: Mapping[str, metadata.Distribution]) -> set[str]:
    """Return the names of what requirements need of what is here, themselves among it."""
    from packaging.requirements import InvalidRequirement, Requirement

    found: set[tuple[str, str]] = set()
    waiting = list(requirements)
    while waiting:
        try:
            requirement = Requirement(waiting.pop())
        except InvalidRequirement:
            continue
        name = _canonical(requirement.name)
        for one in (name, *_SAME.get(name, ())):
            for extra in ("", *requirement.extras):
                if one in here and (one, extra) not in found:
                    found.add((one, extra))
                    waiting += _requirements(here[one], extra)
    return {name for name, _ in found}


def _requirements(distribution: metadata.Distribution, extra: str) -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            requirement.marker = None
            yield str(requirement)


def _modules(name: str, distribution: metadata.Distribution) -> Iterator[str]:
    """Yield the names of modules and packages that a distribution has files of."""
    found = False
    for line in (distribution.read_text("RECORD") or "").splitlines():
        path = line.partition(",")[0]
        stem, dot, ending = path.rpartition(".")
        if ending not in {"py", "so"} or not dot or path.startswith(("../", "/")):
            continue
        parts = stem.split("/")
        # A library's name may have more endings: `_x.cpython-311-x86_64-linux-gnu`.
        parts[-1] = parts[-1].partition(".")[0]
        if parts[-1] == "__init__":
            parts.pop()
        found = found or bool(parts)
        for depth in range(1, min(len(parts), _DEPTH) + 1):
            yield ".".join(parts[:depth])
    if not found or name == _OWN:
        # It is worked on in a folder elsewhere.
        yield name.replace("-", "_")


def _shortest(names: set[str]) -> Iterator[str]:
    """Yield those of which no package is among them: the rest cannot be reached without it."""
    for name in names:
        parts = name.split(".")
        if not any(".".join(parts[:depth]) in names for depth in range(1, len(parts))):
            yield name


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(name))
