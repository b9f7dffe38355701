"""Converting versions to ONNX: once for each, in a process of its own, and remembered in the workspace.

Nothing here imports what is slow: the supervisor of an endpoint does this.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

from mlmagic.serving.child import environment, told_end
from mlmagic.spec import codec
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.files import make_folder, write_atomic
from mlmagic.workspace.layout import CONVERSION_RECORD, CONVERTED_MODEL, VersionFolder, Workspace

TIMEOUT_SECONDS = 600.0

_FORMAT = 1
"""Of what is written: another one makes all conversions anew."""
_PACKAGES = ("onnx", "onnxruntime", "tensorflow", "tensorflow-cpu", "tf2onnx")
_CONVERTER = (sys.executable, "-P", "-m", "mlmagic.serving.engines.converter")
_LOG_TAIL_BYTES = 1 << 12
_LOOK_SECONDS = 0.1
_CRASHES = frozenset(
    -number for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGBUS)
)
"""Of a library, which come again; what ended it otherwise need not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What became of a version: a path, or the reason why there is none."""

    path: Path | None = None
    reason: str | None = None
    max_difference: float | None = None
    """By what part the two answered differently at most, on sample rows."""


class ConversionStoppedError(Exception):
    """Nobody wants it any more."""


def convert(
    workspace: Workspace,
    version: ModelVersion,
    folder: Path,
    *,
    timeout: float = TIMEOUT_SECONDS,
    stopped: threading.Event | None = None,
) -> Conversion:
    """Return a version's ONNX model, which is made if it has not been tried yet. Takes some ten seconds then.

    Several processes may do so at once: one of them makes it, the others wait for that.

    Args:
        workspace: where it is kept.
        version: what is to be converted.
        folder: the version's.
        timeout: after which it counts as one that cannot be converted.
        stopped: when it is set, this is ended within moments.

    Raises:
        ConversionStoppedError: it was set.
    """
    stopped = stopped or threading.Event()
    if version.origin.artifact == "onnx":
        return Conversion(path=folder / version.origin.artifact_path)
    place = workspace.converted / conversion_name(version)
    try:
        make_folder(workspace.converted)
        with _locked(workspace.converted / f"{version}.lock", stopped):
            known = _read(place)
            return known or _make(place, version, _request(version, folder), timeout, stopped)
    except OSError as error:
        return Conversion(reason=f"what it would be converted to cannot be written: {error}")


def known_conversion(workspace: Workspace, version: ModelVersion, folder: Path) -> Conversion | None:
    """Return what became of a version, or None if it has not been tried."""
    if version.origin.artifact == "onnx":
        return Conversion(path=folder / version.origin.artifact_path)
    return _read(workspace.converted / conversion_name(version))


def conversion_name(version: ModelVersion) -> str:
    """Return what the folder of a version's conversion is called: by the version, and by what it is made with."""
    text = f"{_FORMAT} {codec.format_time(version.create_time)} {' '.join(map(_release, _PACKAGES))}"
    return f"{version}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _release(package: str) -> str:
    try:
        return version_of(package)
    except PackageNotFoundError:
        return "-"


@contextlib.contextmanager
def _locked(path: Path, stopped: threading.Event) -> Iterator[None]:
    with path.open("ab") as file:
        while not _lock(file.fileno()):
            if stopped.wait(_LOOK_SECONDS):
                raise ConversionStoppedError
        yield


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(place: Path) -> Conversion | None:
    try:
        record = codec.loads(ConversionRecord, (place / CONVERSION_RECORD).read_bytes())
    except (OSError, codec.DecodeError):
        return None
    if record.reason is not None:
        return Conversion(reason=record.reason)
    model = place / CONVERTED_MODEL
    return Conversion(path=model, max_difference=record.max_difference) if model.exists() else None


def _make(place: Path, version: ModelVersion, request: bytes, timeout: float, stopped: threading.Event) -> Conversion:
    # Those of an older version of that number, or of other libraries, and what was cut short.
    for old in place.parent.glob(f"{version}-*"):
        shutil.rmtree(old, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{version}-", suffix=".staging", dir=place.parent))
    try:
        if failure := _run(staging, request, timeout, stopped):
            if failure.is_passing:
                return Conversion(reason=failure.reason)
            write_atomic(staging / CONVERSION_RECORD, codec.dumps(ConversionRecord(reason=failure.reason)), sync=False)
        shutil.rmtree(staging / "exported", ignore_errors=True)
        staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _read(place) or Conversion(reason="it was removed while it was converted")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """The converter did not come to an end."""

    reason: str
    is_passing: bool
    """Another time it may."""


def _run(staging: Path, request: bytes, timeout: float, stopped: threading.Event) -> _Failure | None:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*_CONVERTER, str(staging.absolute())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(os.environ),
            cwd="/",
            start_new_session=True,
        )
        try:
            status = _wait(process, request, timeout, stopped)
        except subprocess.TimeoutExpired:
            return _Failure(reason=f"its conversion took longer than {timeout:g} s", is_passing=False)
        if status == 0:
            return None
        last = _last_line(log.fileno())
    return _Failure(
        reason=f"the process that converted it {told_end(status)}{last and f': {last}'}",
        is_passing=status not in _CRASHES,
    )


def _wait(process: subprocess.Popen[bytes], request: bytes, timeout: float, stopped: threading.Event) -> int:
    """Return its status. Its stdin stays open meanwhile: it ends with this process, however that ends."""
    with contextlib.suppress(BrokenPipeError), process:
        try:
            if process.stdin is not None:
                process.stdin.write(request + b"\n")
                process.stdin.flush()
            deadline = time.monotonic() + timeout
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired(process.args, timeout)
                if stopped.wait(_LOOK_SECONDS):
                    raise ConversionStoppedError
        finally:
            process.kill()
    return process.wait()


def _request(version: ModelVersion, folder: Path) -> bytes:
    statistics = VersionFolder(folder).statistics
    document = {
        "artifact": str((folder / version.origin.artifact_path).absolute()),
        "signature": None if version.signature is None else codec.encode(version.signature),
        "statistics": str(statistics.absolute()) if statistics.exists() else None,
    }
    return json.dumps(document).encode()


def _last_line(log: int) -> str:
    size = os.fstat(log).st_size
    tail = os.pread(log, _LOG_TAIL_BYTES, max(0, size - _LOG_TAIL_BYTES)).decode(errors="replace")
    return next((line.strip()[:300] for line in reversed(tail.splitlines()) if line.strip()), "")
