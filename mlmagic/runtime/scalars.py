"""A job's metrics: the TensorBoard scalars below its log folder, by the names that Keras gives them.

`train/epoch_loss` is called `loss`, `validation/epoch_loss` `val_loss`; any other scalar has the name of its tag, and
one that lies in the log folder itself is what the program calls its metric. Where several runs have scalars of one
name, one of them keeps it (see `_rank`), and the others are told apart by their run: `test/loss`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mlmagic.runtime.event_file import EventFile, Point

_TRAIN, _VALIDATION = "train", "validation"
_EPOCH = "epoch_"
# What Keras writes beside the values of epochs: of single batches, and of evaluations by iteration.
_IN_BETWEEN = re.compile(r"(?:.*/)?(?:batch_\w+|evaluation_\w+_vs_iterations)")


class Series(NamedTuple):
    """What a scalar is written to. A run is a folder below the log folder; `""` is that folder itself."""

    run: str
    tag: str


Curve = tuple[Point, ...]
"""Points by step, each step once: `(step, seconds since 1970, value)`."""


class ScalarReader:
    """Reads the event files below a folder as they grow; a folder that is not there yet has none.

    It can be asked again and again: each byte is read once. Nothing that a file holds makes it fail.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[str, dict[str, EventFile]] = {}
        """Run → name → file."""

    def read(self) -> dict[Series, list[Point]]:
        """Return the points that are new since the last call, in the order in which they were written."""
        new: dict[Series, list[Point]] = {}
        for run, name in _event_files(self._directory):
            files = self._files.setdefault(run, {})
            file = files.get(name) or files.setdefault(name, EventFile(self._directory / run / name))
            # What was just removed, or is not ours to read, has nothing new; what was read of it stays.
            with contextlib.suppress(OSError):
                for tag, points in file.read().items():
                    new.setdefault(Series(run, tag), []).extend(points)
        return new

    def curves(self) -> dict[str, Curve]:
        """Return all that was read so far, by name."""
        series = {key: points for run in self._files for key, points in self._series(run)}
        names = sorted(_names(series).items(), key=lambda item: item[1])
        return {name: tuple(series[key]) for key, name in names}

    def final_metrics(self) -> dict[str, float]:
        """Return the last value of each metric that was read so far; Keras's values of single batches are none."""
        return {name: curve[-1][2] for name, curve in self.curves().items() if not _IN_BETWEEN.fullmatch(name)}

    def _series(self, run: str) -> Iterator[tuple[Series, list[Point]]]:
        files = [self._files[run][name] for name in sorted(self._files[run])]
        for tag in dict.fromkeys(tag for file in files for tag in file.points):
            points: dict[int, Point] = {}
            for file in files:
                own = file.points.get(tag, {})
                # The names of event files begin with the time: a later file is another attempt or another call of
                # `fit`, which goes on from its first step. What an earlier one wrote from there on is void.
                starts = [step for step in (min(own, default=None), file.void_from) if step is not None]
                if starts:
                    points = {step: point for step, point in points.items() if step < min(starts)}
                points |= own
            if points:
                yield Series(run, tag), [points[step] for step in sorted(points)]


def curves(directory: Path) -> dict[str, Curve]:
    """Return the curves of all scalars below a log folder: name → points by step."""
    reader = ScalarReader(directory)
    reader.read()
    return reader.curves()


def final_metrics(directory: Path) -> dict[str, float]:
    """Return the last value of each metric below a log folder; it may be NaN or infinite."""
    reader = ScalarReader(directory)
    reader.read()
    return reader.final_metrics()


def _event_files(directory: Path) -> Iterator[tuple[str, str]]:
    """Give run and name of all event files; what TensorBoard takes for one."""
    for folder, folders, names in os.walk(directory):
        folders.sort()
        run = os.path.relpath(folder, directory)
        for name in sorted(names):
            if "tfevents" in name:
                yield "" if run == "." else run, name


def _names(series: Mapping[Series, list[Point]]) -> dict[Series, str]:
    """Name each scalar."""
    wanted: dict[str, list[Series]] = {}
    for key in series:
        wanted.setdefault(_name(*key), []).append(key)
    names = {}
    for name, keys in wanted.items():
        # Of equals the run that began last: with a folder for each attempt, the newest attempt.
        first, *others = sorted(keys, key=lambda key: (_rank(*key), -series[key][0][1], key))
        names[first] = name
        for key in others:
            # Several in the same run are told apart by their tags.
            is_alone = sum(other.run == key.run for other in keys) == 1
            names[key] = f"{key.run}/{name if is_alone else key.tag}"
    return names


def _name(run: str, tag: str) -> str:
    leaf = os.path.basename(run)  # noqa: PTH119 - of a relative path as a string
    if leaf == _TRAIN and tag.startswith(_EPOCH):
        return tag.removeprefix(_EPOCH)
    if leaf == _VALIDATION and tag.startswith(_EPOCH):
        return f"val_{tag.removeprefix(_EPOCH)}"
    return tag


def _rank(run: str, tag: str) -> int:
    """Say who keeps a name that several want, the lowest: the program itself, then Keras, then training."""
    if not run:
        return 0
    if _name(run, tag) != tag:
        return 1
    return 2 if os.path.basename(run) == _TRAIN else 3  # noqa: PTH119 - of a relative path as a string
