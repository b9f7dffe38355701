"""Which of the files below AIP_MODEL_DIR are the model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_SAVED_MODEL_FILES = frozenset({"saved_model.pb", "saved_model.pbtxt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A model that was found. `path` is the SavedModel's folder or the `.keras` file."""

    path: Path
    kind: str
    """`savedmodel` or `keras`."""
    others: int = 0
    """How many more there were."""

    @property
    def folder(self) -> Path:
        """What becomes the version's folder."""
        return self.path if self.kind == "savedmodel" else self.path.parent

    @property
    def path_in_version(self) -> str:
        """Where it lies in the version's folder."""
        return "." if self.kind == "savedmodel" else self.path.name


def find_artifact(model_dir: Path) -> Artifact | None:
    """Return the newest SavedModel below the folder, else the newest `.keras` file, else None.

    Exporters of Estimators nest theirs (`export/exporter/1234567/`), TensorFlow Serving numbers them (`1/`). What lies
    inside a SavedModel belongs to it, and `temp-*` is an export that was cut short.
    """
    saved_models: list[Path] = []
    keras_files: list[Path] = []
    for folder, folders, files in os.walk(model_dir):
        here = Path(folder)
        if _SAVED_MODEL_FILES & set(files):
            saved_models.append(here)
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith(("temp-", ".")))
        keras_files += [here / name for name in files if name.endswith(".keras") and (here / name).is_file()]
    if saved_models:
        return _newest(saved_models, "savedmodel", len(keras_files))
    return _newest(keras_files, "keras", 0) if keras_files else None


def other_files(model_dir: Path, limit: int = 3) -> list[str]:
    """Return some of the files below the folder, for saying that they are no model."""
    found: list[str] = []
    for folder, folders, files in os.walk(model_dir):
        folders.sort()
        found += [str((Path(folder) / name).relative_to(model_dir)) for name in sorted(files)]
        if len(found) >= limit:
            break
    return found[:limit]


def stray_links(folder: Path, limit: int = 3) -> list[str]:
    """Return some of the links that lead out of what becomes the version, which would not be immutable with them.

    Links that stay inside are made relative, so that they lead to the same file after the move.
    """
    root, found = Path(os.path.realpath(folder)), []
    for parent, folders, files in os.walk(root):
        for link in (Path(parent) / name for name in sorted(folders + files)):
            if not link.is_symlink():
                continue
            target = Path(os.path.realpath(link))
            if not target.is_relative_to(root):
                found.append(str(link.relative_to(root)))
            elif os.path.isabs(os.readlink(link)):  # noqa: PTH115, PTH117 - a link's text, not a path
                link.unlink()
                link.symlink_to(os.path.relpath(target, parent))
    return found[:limit]


def _newest(paths: list[Path], kind: str, more: int) -> Artifact:
    return Artifact(path=max(paths, key=_age_key), kind=kind, others=len(paths) - 1 + more)


def _age_key(path: Path) -> tuple[int, int, str]:
    files = [path / name for name in _SAVED_MODEL_FILES if (path / name).exists()] or [path]
    number = int(path.name) if path.name.isdecimal() else -1
    return (max(file.stat().st_mtime_ns for file in files), number, str(path))
