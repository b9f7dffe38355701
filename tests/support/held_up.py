"""Loading and converting that take as long as a test wants."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.kept_endpoints import save, until

from mlmagic.serving.engines.conversion import conversion_name
from mlmagic.spec.codec import dumps
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.layout import CONVERSION_RECORD, CONVERTED_MODEL, Workspace
from mlmagic.workspace.version_folder import read_version


class HeldUp:
    """A file whose readers wait until they are let go."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = path.with_suffix(".kept")
        path.rename(self._kept)
        os.mkfifo(path)
        self._writer: int | None = None

    def until_read(self) -> None:
        """Wait for somebody who waits for it."""
        self._writer = until(self._open)

    def release(self) -> None:
        """Let them read."""
        if self._writer is None:
            self.until_read()
        assert self._writer is not None
        self._kept.rename(self._path)
        # Whoever waited may have been ended since.
        with suppress(BrokenPipeError):
            os.write(self._writer, self._path.read_bytes())
        os.close(self._writer)

    def _open(self) -> int | None:
        try:
            return os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None


def model_file(workspace: Workspace, number: int) -> Path:
    """Return the file of a version that came as ONNX."""
    return workspace.version("sums", number).root / "model.onnx"


@contextmanager
def held_conversion(workspace: Workspace, number: int) -> Iterator[None]:
    """Let conversions of a version wait."""
    workspace.converted.mkdir(exist_ok=True)
    with (workspace.converted / f"{_version(workspace, number)}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def convert(workspace: Workspace, number: int, *, reason: str | None = None) -> Path:
    """Write what a conversion writes."""
    folder = workspace.converted / conversion_name(_version(workspace, number))
    folder.mkdir(parents=True)
    if reason is None:
        save(folder / CONVERTED_MODEL, number)
    record = ConversionRecord(reason=reason, max_difference=None if reason else 0.0)
    (folder / CONVERSION_RECORD).write_text(dumps(record))
    return folder / CONVERTED_MODEL


def _version(workspace: Workspace, number: int) -> ModelVersion:
    return read_version(workspace.version("sums", number))
