"""The request log as a worker has it: what is drawn waits in a short queue, and a thread writes it down."""

from __future__ import annotations

import contextlib
import math
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from random import Random

from mlmagic.serving.request_log.folder import LogFolder
from mlmagic.serving.request_log.journal import BudgetError, JournalWriter
from mlmagic.serving.request_log.records import Head, Logged
from mlmagic.spec.request_log import RequestLogging, RequestLogStatus

LARGEST_RECORD = 1 << 20
"""Bytes of request and reply; larger ones are dropped."""
_MOST_WAITING = 32 << 20
_WRITE_SECONDS = 0.2
_LONGEST_JOURNAL = 32 << 20
_OLDEST_JOURNAL_SECONDS = 600.0
_JOURNALS_IN_BUDGET = 32
_LOOK_SECONDS = 30.0
"""So that a converter takes nothing from a worker that starts."""
_CONVERTER_SECONDS = 10.0
"""It takes one or two, and is not needed by anybody."""
_LARGEST_GAP = 2.0**62
"""For a rate so small that the division is infinite."""
_ENTRY = Path(__file__).with_name("__main__.py")


class RequestLog:
    """Takes requests with their replies from an event loop. What it has counted as sampled is not lost any more.

    Args:
        folder: where its files are.
        settings: how many requests, and how many bytes of disk.
        endpoint: its name.
        model: its name.
        random: what draws.
    """

    def __init__(
        self, folder: Path, settings: RequestLogging, *, endpoint: str, model: str, random: Random | None = None
    ) -> None:
        self.settings = settings
        self._folder = LogFolder(folder)
        self._head = Head(endpoint, model, settings.key)
        self._random = random or Random()  # noqa: S311 - it draws a sample
        self._id = secrets.randbits(31) << 32
        self._gap = self._next_gap()
        self._queue: deque[Logged] = deque()
        # Each is written by one thread alone.
        self._put_bytes = self._taken_bytes = 0
        self._refused = self._lost = self._sampled = 0
        self._error: str | None = None
        self._journal: JournalWriter | None = None
        self._began = time.monotonic()
        self._has_ended = self._has_looked = False
        self._converter: subprocess.Popen[bytes] | None = None
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="request log", daemon=True)
        self._thread.start()

    @property
    def status(self) -> RequestLogStatus:
        """What became of what was drawn."""
        return RequestLogStatus(sampled=self._sampled, dropped=self._refused + self._lost, error=self._error)

    def offer(self, version: int, request: bytes, reply: bytes) -> None:
        """Draw whether this is logged. Returns at once, and never raises."""
        self._gap -= 1
        if self._gap:
            return
        self._gap = self._next_gap()
        size = len(request) + len(reply)
        if size > LARGEST_RECORD or self._put_bytes - self._taken_bytes + size > _MOST_WAITING:
            self._refused += 1
            return
        self._put_bytes += size
        self._id += 1
        self._queue.append(Logged(time.time_ns() // 1000, self._id, version, request, reply))

    def close(self) -> None:
        """Write down what waits."""
        self._is_closing.set()
        self._thread.join()
        if self._converter is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._converter.wait(_CONVERTER_SECONDS)

    def _next_gap(self) -> int:
        """Return how many requests on the next one is that is drawn: one draw for each of those is enough."""
        rate = self.settings.sampling_rate
        if rate >= 1:
            return 1
        return 1 + int(min(math.log(1 - self._random.random()) / math.log1p(-rate), _LARGEST_GAP))

    def _run(self) -> None:
        while not self._is_closing.wait(_WRITE_SECONDS):
            self._write_waiting()
            try:
                self._rotate()
                self._convert()
            except OSError as error:
                # This thread goes on: without it every request from now on would be dropped.
                self._error = " ".join(str(error).split())
        self._write_waiting()
        if self._journal is not None:
            self._journal.close()

    def _write_waiting(self) -> None:
        records = []
        while self._queue:
            records.append(self._queue.popleft())
        if not records:
            return
        try:
            if self._journal is None:
                self._journal = JournalWriter(self._folder, self._head, self.settings.budget_bytes)
            self._journal.append(records)
        except (OSError, BudgetError) as error:
            self._lost += len(records)
            self._error = " ".join(str(error).split())
        else:
            self._sampled += len(records)
        self._taken_bytes += sum(len(record.request) + len(record.reply) for record in records)

    def _rotate(self) -> None:
        """End a journal that is long or old."""
        journal = self._journal
        if journal is None:
            return
        longest = min(_LONGEST_JOURNAL, self.settings.budget_bytes // _JOURNALS_IN_BUDGET)
        if journal.size >= longest or time.monotonic() - journal.began >= _OLDEST_JOURNAL_SECONDS:
            self._journal = None
            journal.close()
            self._has_ended = True

    def _is_conversion_due(self) -> bool:
        if self._has_ended:
            return True
        if self._has_looked or time.monotonic() - self._began < _LOOK_SECONDS:
            return False
        # Once: what workers left that have been stopped or killed.
        self._has_looked = True
        own = set() if self._journal is None else {self._journal.stem}
        return not self._folder.usage().journals.keys() <= own

    def _convert(self) -> None:
        """Have journals that have ended converted, beside this process, by one program at a time."""
        if self._converter is not None and (code := self._converter.poll()) is not None:
            self._converter = None
            if code:
                self._error = "the log cannot be turned into Parquet; the endpoint's own log says why"
        if self._converter is not None or not self._is_conversion_due():
            return
        self._has_ended = False
        try:
            self._converter = subprocess.Popen(
                [sys.executable, "-I", str(_ENTRY), str(self._folder.root)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            # The journals stay; they are read as well, and the next one tries again.
            self._error = f"the log cannot be converted: {error}"
