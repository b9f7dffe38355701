"""What a program prints: to the replica's log as it comes, and by lines, with time and stream, for Cloud Logging."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from mlmagic.emulator.container.task import LogEntry
from mlmagic.spec import codec
from mlmagic.workspace.files import open_to_append

LONGEST_LINE = 1 << 16
"""In bytes; longer ones are divided, for an entry of Cloud Logging has 256 KiB at most."""
_READ_BYTES = 1 << 16


class EntryLog:
    """The file of a replica's entries. A full disk costs entries, never the program."""

    def __init__(self, path: Path) -> None:
        self._descriptor = open_to_append(path)
        self._is_torn = os.fstat(self._descriptor).st_size > 0
        self._last = datetime.fromtimestamp(0, UTC)

    def write(self, severity: str, lines: list[bytes]) -> None:
        """Append lines with the time of now, each a microsecond after the one before: no two of a replica share one."""
        entries = []
        for line in lines:
            self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
            time = self._last.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            entries.append(LogEntry(time=time, severity=severity, text=line.decode("utf-8", "replace")))
        data = b"".join(json.dumps(codec.encode(entry), ensure_ascii=False).encode() + b"\n" for entry in entries)
        if self._is_torn:
            data = b"\n" + data
        with contextlib.suppress(OSError):
            self._is_torn = True
            self._is_torn = os.write(self._descriptor, data) < len(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class Stream:
    """One of a program's two streams."""

    def __init__(self, severity: str, entries: EntryLog) -> None:
        self._severity = severity
        self._entries = entries
        self._rest = b""

    def take(self, data: bytes) -> None:
        """Pass on what was printed; what is not a whole line yet becomes an entry later."""
        with contextlib.suppress(OSError):
            os.write(1, data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) >= LONGEST_LINE:
            lines.append(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        if lines:
            self._entries.write(self._severity, lines)

    def end(self) -> None:
        """Make an entry of a last line without an end."""
        if self._rest:
            self._entries.write(self._severity, [self._rest])
            self._rest = b""


class Output:
    """Reads both streams of a program while it runs."""

    def __init__(self, stdout: IO[bytes], stderr: IO[bytes], entries: EntryLog) -> None:
        self._selector = selectors.DefaultSelector()
        self._streams: list[Stream] = []
        for file, severity in ((stdout, "INFO"), (stderr, "ERROR")):
            os.set_blocking(file.fileno(), False)
            stream = Stream(severity, entries)
            self._streams.append(stream)
            self._selector.register(file, selectors.EVENT_READ, stream)

    def read(self, seconds: float) -> bool:
        """Wait at most so long for something, and pass it on; say whether there was anything."""
        found = False
        for key, _ in self._selector.select(seconds):
            with contextlib.suppress(BlockingIOError):
                data = os.read(key.fd, _READ_BYTES)
                found = found or bool(data)
                if data:
                    key.data.take(data)
                else:
                    self._selector.unregister(key.fileobj)
        return found

    @property
    def is_open(self) -> bool:
        """The program, or something that it left behind, may still print."""
        return bool(self._selector.get_map())

    def finish(self) -> None:
        """Take what is there now, whoever else may hold the streams open."""
        while self.read(0):
            pass
        for stream in self._streams:
            stream.end()
        self._selector.close()
