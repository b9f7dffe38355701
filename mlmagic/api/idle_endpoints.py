"""Endpoints in the cloud that nobody asks: their machines run on, which is easily forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from mlmagic.backends.registry import CLOUD
from mlmagic.panels.times import HOUR, MINUTE, duration
from mlmagic.spec.endpoint import EndpointRecord, EndpointState

IDLE_AFTER = timedelta(hours=1)
_SERVES = frozenset({EndpointState.READY, EndpointState.UPDATING})


def idle_notice(record: EndpointRecord, now: datetime) -> str | None:
    """Return for how long an endpoint was not asked, and what ends it; None for one that is, or that costs nothing.

    What is known are the requests of this workspace; one that had none counts from its last deployment.
    """
    if record.spec.backend not in CLOUD or record.status.state not in _SERVES:
        return None
    since = max(record.status.last_request or record.spec.update_time, record.spec.update_time)
    if now - since < IDLE_AFTER:
        return None
    name, hours = record.spec.name, _told((now - since).total_seconds())
    return f"no request from here for {hours}, and its machines run on; to end them: %endpoints stop {name}"


def idle_notices(records: Iterable[EndpointRecord], now: datetime) -> dict[str, str]:
    """Return the notices by endpoint, of those that there is one of."""
    told = {record.spec.name: idle_notice(record, now) for record in records}
    return {name: notice for name, notice in told.items() if notice is not None}


def _told(seconds: float) -> str:
    # By the minute it would be another text at each look.
    return duration(seconds // HOUR * HOUR if seconds >= HOUR else seconds // MINUTE * MINUTE).removesuffix(" 00 min")
