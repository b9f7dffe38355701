"""How far a run is, told about once a second in the words of preprocessing: `mlmagic.runtime.reading` reads them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Self

from mlmagic.serving.batch.work import UnitRecord


class Progress:
    """Prints `Read 12,000,000 of 951,000,000 bytes: 126,000 rows` when that has changed."""

    def __init__(
        self, total: int, finished: Iterable[UnitRecord], tell: Callable[[str], None], every: float = 1.0
    ) -> None:
        done = list(finished)
        self._total = total
        self._size = sum(record.size_bytes for record in done)
        self._rows = sum(record.read for record in done)
        self._tell = tell
        self._every = every
        self._told = ""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def add(self, size: int, rows: int) -> None:
        """Count so many bytes and rows more."""
        with self._lock:
            self._size += size
            self._rows += rows

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._look()
        self._look()

    def _look(self) -> None:
        with self._lock:
            line = f"Read {min(self._size, self._total):,} of {self._total:,} bytes: {self._rows:,} rows"
        if line != self._told and self._size:
            self._tell(line)
            self._told = line
