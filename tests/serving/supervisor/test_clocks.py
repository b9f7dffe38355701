"""Clocks that are set back."""

from __future__ import annotations

import os
import time
from pathlib import Path

from support.kept_endpoints import NAME, kept_endpoint

from mlmagic.serving.supervisor.launch import stop_supervisor
from mlmagic.spec.endpoint import EndpointState


def test_a_lock_of_the_future_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, is_started=False) as endpoint:
        endpoint.folder.lock.touch()
        tomorrow = time.time() + 86_400
        os.utime(endpoint.folder.lock, (tomorrow, tomorrow))
        assert endpoint.status.state is EndpointState.STARTING
        stop_supervisor(endpoint.workspace, NAME, seconds=0.1)
        endpoint.folder.lock.unlink()
