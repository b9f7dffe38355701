"""Rows of files, read or counted by programs of their own: CSV, JSON lines and Parquet, as preprocessing reads them."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from mlmagic.api.inputs import Inputs, is_remote
from mlmagic.errors import BackendError, MissingDependencyError, UsageError
from mlmagic.runtime.diagnosis import signal_name
from mlmagic.spec import codec
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.monitoring_files import Counting, CountReading, CountRequest, FileCounts, Reading, Request
from mlmagic.spec.statistics import SplitStatistics

_PROGRAM = "mlmagic.serving.file_rows"
_PIPELINE = "mlmagic.serving.file_counts"
_TIMES = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE})
_MOST_REASONS = 3
_TWICE = " The input cannot be read."


class FileRows:
    """The rows of some files. What could not be read is known once all were."""

    def __init__(self, inputs: Inputs, types: Mapping[str, ColumnType], what: str = "input") -> None:
        self._inputs = inputs
        self._types = types
        self._what = what
        self.rejected: Mapping[str, int] = {}

    def batches(self) -> Iterator[Any]:
        """Yield the rows as Arrow record batches.

        Raises:
            UsageError: a file cannot be read.
            BackendError: the program that reads died.
        """
        import pyarrow as pa

        request = codec.dumps(self._request())
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
            # As an argument, the names of very many files would be too long.
            asked.write(request.encode())
            asked.seek(0)
            command = [sys.executable, "-P", "-m", _PROGRAM]
            process = subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=said)
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            try:
                with process.stdout as out:
                    # Without a first byte there is no stream, but an error.
                    if out.peek(1):  # type: ignore[attr-defined]
                        yield from pa.ipc.open_stream(out)
            except pa.ArrowInvalid:
                pass  # it ended in between, and says why
            except BaseException:
                # Whoever does not read to the end has no use for the rest.
                process.kill()
                raise
            finally:
                process.wait()
            said.seek(0)
            told = said.read()
            try:
                reading = codec.loads(Reading, told.rstrip().rpartition(b"\n")[2])
            except codec.DecodeError:
                raise self._died(process.returncode, told) from None
            self._hear(reading)

    def counts(self, counting: Counting) -> FileCounts | None:
        """Return what a pipeline of Beam counts of the rows, on all processors; None if there are none.

        Raises:
            UsageError: a file cannot be read.
            BackendError: the pipeline died.
            MissingDependencyError: there is no Beam.
        """
        if find_spec("apache_beam") is None:
            raise MissingDependencyError(
                "--runner direct needs Beam, which this kernel does not have.",
                hint="Install it: %pip install 'mlmagic[beam]'",
            )
        request = CountRequest(files=self._request(), counting=counting, workers=len(os.sched_getaffinity(0)))
        command = [sys.executable, "-P", "-m", _PIPELINE]
        done = subprocess.run(command, input=codec.dumps(request).encode(), capture_output=True, check=False)
        try:
            found = codec.loads(CountReading, done.stdout.rstrip().rpartition(b"\n")[2])
        except codec.DecodeError:
            raise self._died(done.returncode, done.stderr) from None
        self._hear(found.reading)
        return found.counts

    @property
    def notes(self) -> list[str]:
        """What was left out, as a sentence."""
        if not self.rejected:
            return []
        reasons = sorted(self.rejected.items(), key=lambda item: (-item[1], item[0]))
        told = ", ".join(f"{reason} ({count:,})" for reason, count in reasons[:_MOST_REASONS])
        more = f", and {len(reasons) - _MOST_REASONS} more reasons" if len(reasons) > _MOST_REASONS else ""
        total = sum(self.rejected.values())
        return [f"{total:,} row{'s' * (total != 1)} of {self._what} could not be read: {told}{more}."]

    def _request(self) -> Request:
        self._inputs.write()
        return Request(paths=tuple(self._paths()), types=self._types)

    def _paths(self) -> Iterator[str]:
        for word in self._inputs.words:
            found = [] if is_remote(word) else sorted(glob.glob(word, recursive=True))  # noqa: PTH207 - absolute ones too
            yield from found or [word]

    def _died(self, status: int, said: bytes) -> BackendError:
        end = said.decode(errors="replace")[-2000:]
        return BackendError(f"{self._what} cannot be read: the program that reads it {_ended(status)}.\n{end}".rstrip())

    def _hear(self, reading: Reading) -> None:
        if reading.error is not None:
            # The list of files follows alone: that they cannot be read is said.
            raise UsageError(f"{self._what} cannot be read: {reading.error}".replace(_TWICE, "", 1))
        self.rejected = reading.rejected


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with exit code {status}"
    if status == -signal.SIGKILL:
        return "was killed (SIGKILL), perhaps for want of memory"
    return f"was ended by {signal_name(-status)}"


def types_of(statistics: SplitStatistics | None) -> dict[str, ColumnType]:
    """Return as what columns are read that are compared: whole numbers as any, for what comes may be none."""
    columns = () if statistics is None else statistics.columns
    kinds = {column.name: column.type for column in columns if column.type not in _TIMES}
    return {name: ColumnType.FLOAT if kind is ColumnType.INTEGER else kind for name, kind in kinds.items()}
