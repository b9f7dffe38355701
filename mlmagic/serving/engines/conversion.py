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
from mlmagic.workspace.layout import VersionFolder, Workspace

TIMEOUT_SECONDS = 600.0
RECORD = "conversion.json"
MODEL = "model.onnx"

_FORMAT = 1
"""Of what is written: another one makes all conversions anew."""
_PACKAGES = ("onnx", "onnxruntime", "tensorflow", "tensorflow-cpu", "tf2onnx")
_CONVERTER = (sys.executable, "-P", "-m", "mlmagic.serving.engines.converter")
_LOG_TAIL_BYTES = 1 << 12
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


def convert(
    workspace: Workspace, version: ModelVersion, folder: Path, *, timeout: float = TIMEOUT_SECONDS
) -> Conversion:
    """Return a version's ONNX model, which is made if it has not been tried yet. Takes some ten seconds then.

    Several processes may do so at once: one of them makes it, the others wait for that.

    Args:
        workspace: where it is kept.
        version: what is to be converted.
        folder: the version's.
        timeout: after which it counts as one that cannot be converted.
    """
    if version.origin.artifact == "onnx":
        return Conversion(path=folder / version.origin.artifact_path)
    place = workspace.converted / conversion_name(version)
    try:
        make_folder(workspace.converted)
        with _locked(workspace.converted / f"{_prefix(version)}.lock"):
            known = _read(place)
            return known or _make(place, version, _request(version, folder), timeout)
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
    return f"{_prefix(version)}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _prefix(version: ModelVersion) -> str:
    return f"{version.model}@{version.number}"


def _release(package: str) -> str:
    try:
        return version_of(package)
    except PackageNotFoundError:
        return "-"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(place: Path) -> Conversion | None:
    try:
        record = codec.loads(ConversionRecord, (place / RECORD).read_bytes())
    except (OSError, codec.DecodeError):
        return None
    if record.reason is not None:
        return Conversion(reason=record.reason)
    model = place / MODEL
    return Conversion(path=model, max_difference=record.max_difference) if model.exists() else None


def _make(place: Path, version: ModelVersion, request: bytes, timeout: float) -> Conversion:
    # Those of an older version of that number, or of other libraries, and what was cut short.
    for old in place.parent.glob(f"{_prefix(version)}-*"):
        shutil.rmtree(old, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{_prefix(version)}-", suffix=".staging", dir=place.parent))
    try:
        if failure := _run(staging, request, timeout):
            if failure.is_passing:
                return Conversion(reason=failure.reason)
            write_atomic(staging / RECORD, codec.dumps(ConversionRecord(reason=failure.reason)), sync=False)
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


def _run(staging: Path, request: bytes, timeout: float) -> _Failure | None:
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
            status = _wait(process, request, timeout)
        except subprocess.TimeoutExpired:
            return _Failure(reason=f"its conversion took longer than {timeout:g} s", is_passing=False)
        if status == 0:
            return None
        last = _last_line(log.fileno())
    return _Failure(
        reason=f"the process that converted it {told_end(status)}{last and f': {last}'}",
        is_passing=status not in _CRASHES,
    )


def _wait(process: subprocess.Popen[bytes], request: bytes, timeout: float) -> int:
    """Return its status. Its stdin stays open meanwhile: it ends with this process, however that ends."""
    with contextlib.suppress(BrokenPipeError), process:
        try:
            if process.stdin is not None:
                process.stdin.write(request + b"\n")
                process.stdin.flush()
            process.wait(timeout)
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
