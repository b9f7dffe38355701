from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlmagic.backends.endpoints import EndpointBackend, is_settled
from mlmagic.backends.google.endpoints import GoogleEndpoints
from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState, EndpointStatus
from mlmagic.workspace.layout import Workspace

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # Written after the second generation was asked for, and yet of the first one.
        ({"state": EndpointState.FAILED, "refused_generation": 1}, False),
        ({"state": EndpointState.FAILED, "refused_generation": 2}, True),
        ({"state": EndpointState.FAILED, "generation": 1}, False),
        ({"state": EndpointState.FAILED, "generation": 2}, True),
        ({"state": EndpointState.READY, "generation": 1, "refused_generation": 2}, True),
        ({"state": EndpointState.UPDATING, "generation": 1}, False),
        ({"state": EndpointState.DOWN}, True),
    ],
)
def test_a_generation_is_waited_for_until_the_status_tells_of_it(said: dict[str, Any], expected: bool) -> None:
    deployed = (DeployedVersion(number=1),)
    spec = EndpointSpec(
        name="e", model="taxi", deployed=deployed, port=1, generation=2, create_time=NOW, update_time=NOW
    )
    status = EndpointStatus(start_time=NOW, update_time=NOW + timedelta(seconds=1), **said)
    assert is_settled(EndpointRecord(spec=spec, status=status), 2) is expected


@pytest.mark.parametrize("backend", [LocalEndpoints, GoogleEndpoints])
def test_a_file_that_cannot_be_read_holds_up_no_list(
    tmp_path: Path, backend: Callable[[Workspace], EndpointBackend]
) -> None:
    workspace = Workspace(tmp_path)
    file = workspace.endpoint("broken").spec
    file.parent.mkdir(parents=True)
    file.write_text("{")
    endpoints = backend(workspace)
    assert endpoints.list() == []
    endpoints.close()
