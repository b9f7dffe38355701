"""How an emulator that is nobody's child is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from mlmagic.emulator.launch import read_address
from mlmagic.errors import BackendError, NotFoundError
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive

_END_SECONDS = 30.0
_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.02


def stop_emulator(root: Path) -> bool:
    """End the emulator of a folder; say whether one ran. When it is started again, it is where it was.

    What serves deployed models ends too, and is started again by the next request. Jobs go on.

    Raises:
        BackendError: it cannot be ended.
    """
    address = read_address(root)
    is_running = address is not None and is_alive(address.process)
    if address is not None and is_running:
        _end(address.process)
    _end_serving(root / "engine")
    return is_running


def _end(process: ProcessIdentity) -> None:
    for number, seconds in ((signal.SIGTERM, _END_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise BackendError(
                f"the emulator's process {process.pid} cannot be ended: {error}", hint="It is another user's."
            ) from error
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_alive(process):
                return
            time.sleep(_POLL_SECONDS)
    raise BackendError(f"the emulator's process {process.pid} does not end.", hint=f"kill -9 {process.pid}")


def _end_serving(folder: Path) -> None:
    from mlmagic.serving.endpoints import LocalEndpoints

    if not folder.is_dir():
        return
    endpoints = LocalEndpoints(Workspace(folder))
    for record in endpoints.list():
        with contextlib.suppress(NotFoundError):
            endpoints.stop(record.spec.name)
    endpoints.close()
