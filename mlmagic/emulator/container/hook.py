"""Lets a program see of this machine's Python what its image has: `sitecustomize` of a container.

It is copied beside the file that says what is hidden, and runs in every Python of the container before all else.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hidden.json")  # noqa: PTH100, PTH118, PTH120 - quick


class ImageFinder:
    """`PathFinder`, but for what is hidden of the machine's folders; what the container itself holds is never."""

    def __init__(self, modules: Sequence[str], distributions: Sequence[str], folders: Sequence[str]) -> None:
        self.modules = frozenset(modules)
        self._distributions = frozenset(distributions)
        self._folders = tuple(folders)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Return where a module is, in what can be seen."""
        if name in self.modules:
            path = [folder for folder in (sys.path if path is None else path) if not self._is_machines(folder)]
        return PathFinder.find_spec(name, path, target)

    def find_distributions(self, *arguments: Any) -> Iterator[Any]:
        """Yield the distributions that can be seen."""
        from importlib.metadata import MetadataPathFinder

        for found in MetadataPathFinder.find_distributions(*arguments):
            name = (found.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-")
            if name not in self._distributions or not self._is_machines(str(found.locate_file(""))):
                yield found

    def invalidate_caches(self) -> None:
        """Forget what was found."""
        PathFinder.invalidate_caches()

    def _is_machines(self, folder: str) -> bool:
        folder = folder.rstrip("/")
        # Where something is worked on, a container's own folder may lie below.
        return folder in self._folders or ("site-packages" in folder and folder.startswith(self._folders))


def machine_folders() -> list[str]:
    """Return the folders of `sys.path` that hold distributions of this machine."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    standard = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
    others = (folder for folder in sys.path if folder not in given and not folder.endswith(".zip"))
    return [folder for folder in others if "site-packages" in folder or not folder.startswith(standard)]


def install() -> None:
    """Hide what the file says, and say so where a program ends because of it."""
    with open(_FILE, encoding="utf-8") as file:  # noqa: PTH123 - quick
        told = json.load(file)
    finder = ImageFinder(told["modules"], told["distributions"], machine_folders())
    place = next((number for number, one in enumerate(sys.meta_path) if one is PathFinder), len(sys.meta_path))
    sys.meta_path[place : place + 1] = [finder]
    before = sys.excepthook

    def explain(kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, ModuleNotFoundError) and error.name in finder.modules:
            sys.stderr.write(
                f"mlmagic's emulator: this machine has {error.name}, but as far as is known the image {told['image']} "
                "does not, and nothing has installed it: put it into the package's requirements.\n"
            )
        before(kind, error, traceback)

    sys.excepthook = explain


if __name__ == "sitecustomize":
    install()
