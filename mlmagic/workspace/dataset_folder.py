"""What a dataset version's folder holds: checked, moved in whole or not at all, and read back."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import TypeVar

from mlmagic.errors import WorkspaceError
from mlmagic.spec import codec
from mlmagic.spec.dataset import DatasetOrigin, DatasetSchema, DatasetVersion
from mlmagic.spec.noun import Noun
from mlmagic.spec.statistics import DatasetStatistics
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.layout import DatasetFolder, DatasetVersionFolder
from mlmagic.workspace.moving import check_movable, deleted_numbers, move, version_numbers

_Noun = TypeVar("_Noun", bound=Noun)


def check_whole(made: Path) -> None:
    """Make sure that a folder holds all of a dataset: the shards of each split that has rows, and what is told of them.

    Raises:
        WorkspaceError: it does not; says what is missing.
    """
    folder = DatasetVersionFolder(made)
    schema = _read(DatasetSchema, folder.schema)
    _read(DatasetStatistics, folder.statistics)
    read_inputs(folder)
    empty = [split for split, rows in schema.rows.items() if rows and not shards(folder, split)]
    if empty:
        raise WorkspaceError(f"{made} holds no whole dataset: there is no shard of {', '.join(empty)}.")
    lost = [name for split, rows in schema.rows.items() if rows and (name := lost_shard(folder, split))]
    if lost:
        raise WorkspaceError(f"{made} holds no whole dataset: there is no {', '.join(lost)}.")


def read_inputs(folder: DatasetVersionFolder) -> DatasetOrigin:
    """Return what the pipeline wrote down of the files that it read."""
    return _read(DatasetOrigin, folder.origin) if folder.origin.exists() else DatasetOrigin()


def _read(noun: type[_Noun], path: Path) -> _Noun:
    try:
        return codec.loads(noun, path.read_bytes())
    except FileNotFoundError:
        raise WorkspaceError(f"{path.parent} holds no whole dataset: there is no {path.name}.") from None
    except (OSError, codec.DecodeError) as error:
        raise WorkspaceError(f"{path.parent} holds no whole dataset: {path.name} cannot be read: {error}.") from error


def move_in(made: Path, place: DatasetVersionFolder, origin: DatasetOrigin) -> None:
    """Complete what was made where it lies, and only then rename it: there is no step between it and the version."""
    check_movable(made, place.root.parents[2])
    folder = DatasetVersionFolder(made)
    if not origin.inputs:
        origin = dataclasses.replace(origin, inputs=read_inputs(folder).inputs)
    write_atomic(folder.origin, codec.dumps(origin))
    move(made, place.root)


def read_dataset(folder: DatasetVersionFolder) -> DatasetVersion:
    """Read a version from its folder.

    Raises:
        OSError: a file cannot be read.
        codec.DecodeError: a file does not hold what it should.
    """
    origin = codec.loads(DatasetOrigin, folder.origin.read_bytes())
    if origin.create_time is None:
        raise codec.DecodeError("DatasetOrigin.createTime is missing")
    return DatasetVersion(
        dataset=folder.root.parent.name,
        number=int(folder.root.name),
        create_time=origin.create_time,
        schema=codec.loads(DatasetSchema, folder.schema.read_bytes()),
        origin=origin,
        size_bytes=_size(folder.root),
    )


def is_of_job(folder: DatasetVersionFolder, job_id: str) -> bool:
    """Say whether a job made the version; without reading all of it, for it may name ten thousand inputs."""
    try:
        text = folder.origin.read_bytes()
        return job_id.encode() in text and codec.loads(DatasetOrigin, text).job_id == job_id
    except (OSError, codec.DecodeError):
        return False


def shards(folder: DatasetVersionFolder, split: str) -> list[Path]:
    """Return the files of a split in order; none of a split that has no rows, or does not exist."""
    pattern = re.compile(rf"{re.escape(split)}-\d{{5,}}-of-\d{{5,}}\.parquet")
    return sorted(path for path in folder.root.iterdir() if pattern.fullmatch(path.name))


def lost_shard(folder: DatasetVersionFolder, split: str) -> str | None:
    """Return the first file of a split that should be there by the names of the others, or by there being none."""
    found = {path.name for path in shards(folder, split)}
    count = max((int(name.removesuffix(".parquet").rpartition("-")[2]) for name in found), default=1)
    names = (f"{split}-{number:05d}-of-{count:05d}.parquet" for number in range(count))
    return next((name for name in names if name not in found), None)


def taken_numbers(folder: DatasetFolder) -> set[int]:
    """Return the numbers that versions have or had."""
    return version_numbers(folder.root) | deleted_numbers(folder.root)


def _size(root: Path) -> int:
    return sum((Path(parent) / name).lstat().st_size for parent, _, names in os.walk(root) for name in names)
