"""Endpoints in the cloud that nobody asks are told; those of this machine end by themselves."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.api.idle_endpoints import idle_notice, idle_notices
from mlmagic.panels.status import Status
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState, EndpointStatus

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DEPLOYED = NOW - timedelta(hours=3, minutes=20)


def endpoint(
    state: EndpointState = EndpointState.READY, *, asked: timedelta | None = None, **told: str
) -> EndpointRecord:
    times = {"create_time": NOW - timedelta(days=9), "update_time": DEPLOYED}
    spec = EndpointSpec(name="taxi", model="taxi", deployed=(DeployedVersion(number=1),), port=0, **times)
    last = None if asked is None else NOW - asked
    status = EndpointStatus(state=state, last_request=last, start_time=DEPLOYED, update_time=NOW)
    return EndpointRecord(spec=dataclasses.replace(spec, **{"backend": "google", **told}), status=status)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (endpoint(), "3 h"),
        (endpoint(asked=timedelta(hours=2, minutes=59)), "2 h"),
        (endpoint(asked=timedelta(days=5)), "3 h"),
        (endpoint(EndpointState.UPDATING, asked=timedelta(minutes=60)), "1 h"),
        (endpoint(backend="emulator"), "3 h"),
    ],
)
def test_what_is_told(record: EndpointRecord, told: str) -> None:
    rest = "and its machines run on; to end them: %endpoints stop taxi"
    assert idle_notice(record, NOW) == f"no request from here for {told}, {rest}"


@pytest.mark.parametrize(
    "record",
    [endpoint(asked=timedelta(minutes=59)), endpoint(EndpointState.DOWN), endpoint(backend="local")],
    ids=["asked", "down", "local"],
)
def test_what_is_not_told(record: EndpointRecord) -> None:
    assert idle_notice(record, NOW) is None
    assert idle_notices([record], NOW) == {}


def test_the_status_has_a_line_of_each() -> None:
    idle = idle_notices([endpoint()], NOW)
    bundle = Status(version="1", workspace="/w", backend="google", idle=idle)._repr_mimebundle_()
    line = next(line for line in bundle["text/plain"].splitlines() if line.startswith("  Idle"))
    assert line.split(maxsplit=1)[1].startswith("taxi: no request from here for 3 h, and its machines run on;")
    assert "no request from here for 3 h" in bundle["text/html"]
