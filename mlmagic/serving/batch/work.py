"""What is finished so far: on the disk, so that a run that was killed goes on where it was."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mlmagic.errors import ConflictError, UsageError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.runtime.agent_lock import holds_lock
from mlmagic.serving.batch.target import FILE_ENDINGS, Target
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.spec.statistics import RejectedRow
from mlmagic.workspace.files import make_folder, write_atomic

_OWN = re.compile(r"predictions-\d{5}-of-\d{5}\.(csv|jsonl|parquet)(\.part)?")
_OWN_ERRORS = re.compile(r"errors-\d{5}-of-\d{5}\.jsonl(\.part)?")
_PLAN = "plan.json"
_COMPLETE = "complete"
_WORDS = {"model": "another version", "input": "other files", "columns": "other columns", "format": "another format"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord(Noun):
    """A unit that is finished."""

    index: int
    read: int
    """Rows, the rejected among them."""
    written: int
    size_bytes: int
    """Of the input."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """How many rows, by reason."""
    samples: tuple[RejectedRow, ...] = ()


class Work:
    """The folders that one run writes to, while it holds them. Not shared by processes."""

    def __init__(self, target: Target, kind: Format, units: int) -> None:
        self._target = target
        self._kind = kind
        self._units = units
        self._lock: BinaryIO | None = None
        self._finished: dict[int, UnitRecord] = {}

    def open(self, fingerprint: Mapping[str, str]) -> None:
        """Take the folders: go on with what the same run has finished, or begin anew.

        Raises:
            UsageError: the folder holds something else.
            ConflictError: another run writes there now.
        """
        make_folder(self._target.path.parent if self._target.is_file else self._target.path)
        # Only now, since `new/..` is no folder before.
        self._check_foreign()
        make_folder(self._target.work)
        self._take_lock()
        plan = self._target.work / _PLAN
        if _read_plan(plan) != dict(fingerprint):
            self._check_other(fingerprint)
            self._clear()
            write_atomic(plan, json.dumps(dict(fingerprint), indent=1))
        self._finished = self._read_finished()

    def check(self, fingerprint: Mapping[str, str]) -> None:
        """See that the folder holds nothing else, and write nothing.

        Raises:
            UsageError: it does.
        """
        self._check_foreign()
        self._check_other(fingerprint)

    def reread(self) -> None:
        """Take note of the units that others have finished."""
        self._finished = self._read_finished()

    def close(self) -> None:
        """Let go of the folders."""
        if self._lock is not None:
            self._lock.close()

    @property
    def joined(self) -> Path:
        """Return where the one file is put together."""
        return self._target.work / f"joined{FILE_ENDINGS[self._kind]}"

    def records(self) -> list[UnitRecord]:
        """Return the units that are finished, in their order."""
        return [self._finished[index] for index in sorted(self._finished.copy())]

    def waiting(self, units: Sequence[Unit]) -> list[Unit]:
        """Return those that are not."""
        return [unit for unit in units if unit.index not in self._finished]

    def shard(self, index: int) -> Path:
        """Return where the predictions of a unit belong."""
        name = f"predictions-{index:05d}-of-{self._units:05d}{FILE_ENDINGS[self._kind]}"
        return self._target.shards / name

    def shards(self) -> list[Path]:
        """Return all of them, in their order."""
        return [self.shard(index) for index in range(self._units)]

    def errors(self, index: int) -> Path:
        """Return where the rejected rows of a unit belong."""
        return self._target.errors / f"errors-{index:05d}-of-{self._units:05d}.jsonl"

    def finish(self, record: UnitRecord) -> None:
        """Note that a unit is finished: its files are in their places."""
        write_atomic(self._unit(record.index), dumps(record))
        self._finished[record.index] = record

    def complete(self) -> None:
        """Note that all is done; for a single file, remove what it was put together from."""
        if self._target.is_file:
            shutil.rmtree(self._target.work, ignore_errors=True)
        else:
            write_atomic(self._target.work / _COMPLETE, "")

    def _unit(self, index: int) -> Path:
        return self._target.work / f"unit-{index:05d}.json"

    def _check_foreign(self) -> None:
        folder, work = self._target.path, self._target.work
        if self._target.is_file or not folder.is_dir() or (work / _PLAN).exists():
            return
        if found := sorted(name for name in os.listdir(folder) if name != work.name):  # noqa: PTH208 - the names count
            raise UsageError(
                f"--output {folder} is not an empty folder: it has {', '.join(found[:3])}.", hint="Name a new one."
            )

    def _take_lock(self) -> None:
        path = self._target.work / "lock"
        lock = path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not holds_lock(path, lock.fileno()):
                raise BlockingIOError(errno.EAGAIN, "the run before removes it just now")
        except OSError:
            lock.close()
            raise ConflictError(
                f"another job writes to {self._target.path} now.", hint="Wait for it, cancel it, or name another place."
            ) from None
        self._lock = lock

    def _check_other(self, now: Mapping[str, str]) -> None:
        before = _read_plan(self._target.work / _PLAN)
        if before is None or before == dict(now) or not (self._target.work / _COMPLETE).exists():
            return
        changed = [_WORDS[key] for key in _WORDS if before.get(key) != now.get(key)] or ["other settings"]
        raise UsageError(
            f"--output {self._target.path} has predictions of another run: of {', '.join(changed)}.",
            hint="Name a new folder, or remove that one.",
        )

    def _clear(self) -> None:
        """Remove what an unfinished run of something else has left."""
        for folder, own in ((self._target.shards, _OWN), (self._target.errors, _OWN_ERRORS)):
            for path in folder.iterdir() if folder.is_dir() else ():
                if own.fullmatch(path.name):
                    path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._target.errors.rmdir()  # unless something else is in it
        for path in self._target.work.glob("unit-*.json"):
            path.unlink(missing_ok=True)

    def _read_finished(self) -> dict[int, UnitRecord]:
        found = {}
        for index in range(self._units):
            try:
                record = loads(UnitRecord, self._unit(index).read_bytes())
            except (OSError, DecodeError):
                continue
            if self.shard(index).exists():
                found[index] = record
        return found


def _read_plan(path: Path) -> dict[str, str] | None:
    try:
        plan = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return plan if isinstance(plan, dict) else None
