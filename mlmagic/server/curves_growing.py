"""The curves of a job as its event files grow: each byte is read once, and nothing while no file has changed."""

from __future__ import annotations

import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from mlmagic.runtime.event_file import Point
from mlmagic.runtime.scalars import ScalarReader, Series

_UNSETTLED_SECONDS = 2.0
"""A folder that was changed just now may change once more within the same tick of the file system's clock."""
_MOST_POINTS = 1_000_000
_MOST_FOLDERS = 256
_IDLE_SECONDS = 30.0

_State: TypeAlias = tuple[int, int, int]


class ScalarFiles:
    """Which event files there are below a folder, and how long: told by `stat` alone while no folder has changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._folders: dict[str, float | None] = {self._directory: None}
        self._files: dict[str, _State | None] = {}

    def look(self) -> tuple[bool, bool]:
        """Return whether there are other files than at the last look, and whether one of them has changed."""
        are_others = self._folders_changed() and self._walk()
        states = {path: _state(path) for path in self._files}
        has_changed = states != self._files
        self._files.update(states)
        return are_others, has_changed

    def _folders_changed(self) -> bool:
        settled = time.time() - _UNSETTLED_SECONDS
        return any(
            (found := _changed(folder)) != known or (found is not None and found > settled)
            for folder, known in self._folders.items()
        )

    def _walk(self) -> bool:
        folders: dict[str, float | None] = {self._directory: _changed(self._directory)}
        files: dict[str, _State | None] = {}
        for folder, names, leaves in os.walk(self._directory):
            for name in names:
                path = f"{folder}/{name}"
                folders[path] = _changed(path)
            files.update({f"{folder}/{leaf}": None for leaf in leaves if "tfevents" in leaf})
        are_others = files.keys() != self._files.keys()
        self._folders, self._files = folders, {path: self._files.get(path) for path in files}
        return are_others


class GrowingCurves:
    """The curves of one job by name. Safe in threads: what they are made of is lent by `read` alone."""

    def __init__(self, directory: Path) -> None:
        self._lock = Lock()
        self._files = ScalarFiles(directory)
        self._reader = ScalarReader(directory)
        self._names: dict[Series, str] = {}
        self._latest: dict[Series, Point] = {}
        self._curves: dict[str, list[Point]] = {}
        self._metrics: frozenset[str] = frozenset()
        self._generation = secrets.token_hex(4)

    def read(self) -> CurvesNow:
        """Read what has come, and return all curves. They only grow as long as the generation is the same."""
        with self._lock:
            are_others, has_changed = self._files.look()
            if are_others or has_changed:
                new = self._reader.read()
                self._latest.update({key: points[-1] for key, points in new.items()})
                # A later file may take back what an earlier one told.
                if are_others or not self._append(new):
                    self._begin_again()
            counts = {name: len(curve) for name, curve in self._curves.items()}
            return CurvesNow(self._generation, dict(self._curves), counts, self._metrics)

    def _append(self, new: Mapping[Series, Sequence[Point]]) -> bool:
        """Put points behind those that are known; false if they do not go there."""
        for key, points in new.items():
            curve = self._curves.get(self._names.get(key, ""))
            if curve is None:
                return False
            last = curve[-1][0]
            for point in points:
                if point[0] <= last:
                    return False
                last = point[0]
            curve += points
        return True

    def _begin_again(self) -> None:
        self._generation = secrets.token_hex(4)
        curves = self._reader.curves()
        self._curves = {name: list(curve) for name, curve in curves.items()}
        self._metrics = frozenset(self._reader.final_metrics())
        # The reader gives each point as one object, wherever: that tells which curve a series became.
        names = {id(curve[-1]): name for name, curve in curves.items()}
        self._names = {key: names[id(point)] for key, point in self._latest.items() if id(point) in names}


class CurvesNow:
    """The curves at one moment. The lists grow on, so `counts` says how much of them was there then."""

    __slots__ = ("counts", "curves", "generation", "metrics")

    def __init__(
        self, generation: str, curves: Mapping[str, list[Point]], counts: Mapping[str, int], metrics: frozenset[str]
    ) -> None:
        self.generation = generation
        self.curves = curves
        self.counts = counts
        self.metrics = metrics
        """The names of curves that are no values of single batches."""


class CurveFolders:
    """The curves that were looked at last. Safe in threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Path, tuple[GrowingCurves, float, int]] = OrderedDict()
        self._next_room = 0.0

    def read(self, directory: Path) -> CurvesNow:
        """Return the curves below a folder as they are now."""
        with self._lock:
            kept = self._kept.get(directory)
            if kept is None:
                # Kept before it is read: who asks meanwhile waits for it, and does not read all of it once more.
                self._kept[directory] = GrowingCurves(directory), time.monotonic(), 0
            growing = self._kept[directory][0]
        found = growing.read()
        now = time.monotonic()
        with self._lock:
            self._kept[directory] = growing, now, sum(found.counts.values())
            self._kept.move_to_end(directory)
            if kept is None or now >= self._next_room:
                self._next_room = now + _IDLE_SECONDS
                self._make_room(now - _IDLE_SECONDS)
        return found

    def _make_room(self, idle_since: float) -> None:
        # What is looked at again and again is kept however much it is: to read it anew each time would be worse.
        points = sum(size for _, _, size in self._kept.values())
        for directory, (_, used, size) in list(self._kept.items()):
            if used > idle_since or (points <= _MOST_POINTS and len(self._kept) <= _MOST_FOLDERS):
                return
            del self._kept[directory]
            points -= size


def _changed(folder: str) -> float | None:
    try:
        return os.stat(folder).st_mtime  # noqa: PTH116 - each second, for each running job
    except OSError:
        return None


def _state(path: str) -> _State | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
