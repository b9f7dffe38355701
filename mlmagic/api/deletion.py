"""Jobs that are to go, or have gone: how many, how large, what stays of them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import NotFoundError
from mlmagic.spec.job import JobRecord

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Jobs that are to go, or have gone."""

    records: tuple[JobRecord, ...]
    sizes: tuple[int | None, ...]
    """Bytes of each job's folder, of a study with those of its trials; None where that is not on this machine."""
    trials: tuple[int, ...] = ()
    """How many trials go with each job, which is a study."""
    unfinished: tuple[str, ...] = ()
    """The ids of jobs that the filter lets through, and that stay because they have not ended."""
    is_done: bool = False
    backend: Backend = field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes that frees, as far as it is known."""
        return sum(size or 0 for size in self.sizes)

    def delete(self) -> Deletion:
        """Remove the jobs, and return what went. A job that somebody else removed meanwhile is gone too."""
        for record in self.records:
            try:
                self.backend.delete(record.id)
            except NotFoundError:
                continue
        return dataclasses.replace(self, is_done=True)

    def __len__(self) -> int:
        return len(self.records)

    def __str__(self) -> str:
        lines = [self._heading(), *self.lines()]
        if versions := [record.model_version for record in self.records if record.model_version]:
            lines.append(f"Model versions stay: {_listed(versions)}.")
        if self.unfinished:
            lines.append(f"Not ended, so they stay: {_listed(self.unfinished)}. To end one: %jobs cancel ID")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(str(self))

    def _heading(self) -> str:
        from mlmagic.panels.sizes import size_text

        if not self.records:
            return "There is nothing to delete."
        count = "1 job" if len(self) == 1 else f"{len(self)} jobs"
        room = f", {size_text(self.size)}" if self.size else ""
        return f"{'Deleted' if self.is_done else 'Would delete'} {count}{room}:"

    def lines(self) -> list[str]:
        """Return a line for each job, of very many for the first."""
        from mlmagic.panels.sizes import size_text
        from mlmagic.panels.times import short_absolute

        lines = [
            f"  {record.id}  {record.state.value}  {short_absolute(record.create_time)}"
            + (f"  {trials} trial{'s' * (trials != 1)}" if trials else "")
            + ("" if size is None else f"  {size_text(size)}")
            for record, size, trials in zip(self.records[:_SHOWN], self.sizes, self.trials, strict=False)
        ]
        more = len(self) - len(lines)
        return [*lines, f"  and {more} more"] if more else lines


def total_size(folders: Iterable[Path]) -> int | None:
    """Return how much of the disk folders take; None where there are none."""
    sizes = [size for size in map(folder_size, folders) if size is not None]
    return sum(sizes) if sizes else None


def folder_size(folder: Path) -> int | None:
    """Return how much of the disk a folder takes; None where there is none."""
    if not folder.is_dir():
        return None
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(path) / name).lstat().st_blocks * 512
            except OSError:
                continue
    return size


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
