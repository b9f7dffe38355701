"""What `nvidia-smi` tells about GPUs, where there is one. Nothing here fails, or waits for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass

_RETRY_SECONDS = 60.0
_STALE_SECONDS = 3.5
_READ_BYTES = 1 << 16
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What some processes take of GPUs."""

    percent: float | None
    """How busy the GPUs are that they use, on average; others may use them too."""
    memory_bytes: int | None


class GpuReader:
    """Two programs that print once a second: who holds how much memory of which GPU, and how busy each GPU is."""

    def __init__(self) -> None:
        self._programs: tuple[_Printing, ...] = ()
        self._started: float | None = None
        self._memory: dict[tuple[int, str], tuple[int | None, float]] = {}
        self._busy: dict[str, tuple[float, float]] = {}

    def read(self) -> None:
        """Take in what was printed; start the programs if there are any, and none runs."""
        now = time.monotonic()
        if not self._programs:
            self._start(now)
        try:
            for program, take in zip(self._programs, (self._take_memory, self._take_busy), strict=False):
                for line in program.lines():
                    with contextlib.suppress(ValueError):
                        take([part.strip() for part in line.split(",")], now)
        except EOFError:
            self.close()
        self._memory = {key: value for key, value in self._memory.items() if now - value[1] < _STALE_SECONDS}
        self._busy = {key: value for key, value in self._busy.items() if now - value[1] < _STALE_SECONDS}

    def of(self, pids: Collection[int]) -> GpuUse | None:
        """Return what processes take together; None if they use no GPU."""
        used = {key: memory for key, (memory, _) in self._memory.items() if key[0] in pids}
        if not used:
            return None
        busy = [self._busy[gpu][0] for gpu in {gpu for _, gpu in used} if gpu in self._busy]
        known = [memory for memory in used.values() if memory is not None]
        return GpuUse(
            percent=round(sum(busy) / len(busy), 1) if busy else None,
            memory_bytes=sum(known) if known else None,
        )

    def close(self) -> None:
        """End the programs; the next `read` starts them again, though not at once after they failed."""
        for program in self._programs:
            program.close()
        self._programs = ()

    def _start(self, now: float) -> None:
        path = shutil.which("nvidia-smi")
        if path is None or (self._started is not None and now - self._started < _RETRY_SECONDS):
            return
        self._started = now
        with contextlib.suppress(OSError):
            self._programs += (_Printing(path, "--query-compute-apps=pid,gpu_uuid,used_memory"),)
            self._programs += (_Printing(path, "--query-gpu=uuid,utilization.gpu"),)

    def _take_memory(self, parts: list[str], now: float) -> None:
        pid, gpu, memory = parts
        # "[N/A]" where the driver does not say.
        self._memory[int(pid), gpu] = (int(memory) * _MEBIBYTE if memory.isdecimal() else None, now)

    def _take_busy(self, parts: list[str], now: float) -> None:
        gpu, percent = parts
        self._busy[gpu] = (float(percent), now)


class _Printing:
    """A program that prints lines, read without waiting for them."""

    def __init__(self, path: str, query: str) -> None:
        arguments = [path, query, "--format=csv,noheader,nounits", "-l", "1"]
        companion = [sys.executable, "-m", f"{__package__}.companion", str(os.getpid())]
        self._descriptor, writer = os.pipe()
        os.set_blocking(self._descriptor, False)
        try:
            self._process = subprocess.Popen(
                [*companion, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            os.close(self._descriptor)
            raise
        finally:
            os.close(writer)
        self._rest = b""

    def lines(self) -> list[str]:
        """Return the lines that are there in full.

        Raises:
            EOFError: the program has ended.
        """
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise EOFError
        *lines, self._rest = (self._rest + data).split(b"\n")
        # One line is never that long: this is no such program.
        self._rest = self._rest[:_READ_BYTES]
        return [line.decode("ascii", "replace") for line in lines]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._descriptor)
