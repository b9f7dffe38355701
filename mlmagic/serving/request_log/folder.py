"""The files of a request log: names, locks, and a budget that all writers of the folder keep together."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

JOURNAL, PARQUET = ".journal", ".parquet"
_FOOTER_BYTES = 16 << 10
"""What Parquet may take beyond the records themselves."""


class Usage(NamedTuple):
    """What is in the folder."""

    journals: dict[str, int]
    """Bytes by stem."""
    parquets: dict[str, int]

    @property
    def bytes(self) -> int:
        """What they take, and will take: while a journal is turned into Parquet, both are there."""
        return sum(self.parquets.values()) + sum(2 * size + _FOOTER_BYTES for size in self.journals.values())


class LogFolder:
    """`endpoints/<name>/requests/`. Stems begin with the time, so that they are in its order.

    All but the Parquet files are hidden: Arrow and pandas read the folder as one table, and leave those alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def journal(self, stem: str) -> Path:
        """Return where the records are that one worker appends."""
        return self.root / f".{stem}{JOURNAL}"

    def parquet(self, stem: str) -> Path:
        """Return where they are once they have been converted: all of them, and then the journal goes."""
        return self.root / f"{stem}{PARQUET}"

    def make(self) -> None:
        """Make the folder, but not the endpoint's: one that was deleted must not come back.

        Raises:
            OSError: it cannot be made.
        """
        self.root.mkdir(0o700, exist_ok=True)

    def usage(self) -> Usage:
        """Look what is there."""
        found = Usage({}, {})
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root) as entries:
            for entry in entries:
                stem, suffix = os.path.splitext(entry.name.removeprefix("."))  # noqa: PTH122 - a name, not a path
                kept = {JOURNAL: found.journals, PARQUET: found.parquets}.get(suffix)
                if kept is not None:
                    with contextlib.suppress(FileNotFoundError):
                        kept[stem] = entry.stat().st_size
        return found

    def make_room(self, needed: int, budget: int) -> bool:
        """Remove the oldest Parquet files until so many more bytes of journals fit; False if they do not even then.

        The lock must be held.
        """
        usage = self.usage()
        over = usage.bytes + 2 * needed + _FOOTER_BYTES - budget
        for stem in sorted(usage.parquets):
            if over <= 0:
                break
            with contextlib.suppress(FileNotFoundError):
                self.parquet(stem).unlink()
            over -= usage.parquets[stem]
        return over <= 0

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold off all others that write or remove: for a moment each.

        Raises:
            OSError: the folder is gone, or its file system has no locks.
        """
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def is_locked(descriptor: int) -> bool:
    """Take the lock of an open file if nobody has it; say whether somebody has."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
