"""How far a run is: units append to a file, and the main process tells the sum about once a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self


class ProgressFile:
    """Where units of this machine leave what they have read; it may be gone, then nothing is told."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def add(self, size: int, rows: int) -> None:
        """Append one short line at once, which no other writer can tear."""
        if self._path is None or not (size or rows):
            return
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return
        try:
            os.write(handle, f"{size} {rows}\n".encode())
        finally:
            os.close(handle)


class ProgressTeller:
    """A thread that prints `Read 12,000,000 of 951,000,000 bytes: 126,000 rows` when that has changed."""

    def __init__(self, path: Path, total: int, tell: Callable[[str], None], every: float = 1.0) -> None:
        self._path = path
        self._total = total
        self._tell = tell
        self._every = every
        self._offset = 0
        self._size = 0
        self._rows = 0
        self._told = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._look()
        self._look()

    def _look(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for done in whole.splitlines():
            size, rows = map(int, done.split())
            self._size += size
            self._rows += rows
        if not self._size:
            return
        # A unit that was tried again counts twice.
        line = f"Read {min(self._size, self._total):,} of {self._total:,} bytes: {self._rows:,} rows"
        if line != self._told:
            self._tell(line)
            self._told = line
