"""`rollout.json`: the newest roll-out of an endpoint, from which another supervisor goes on where one was killed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.endpoint import Rollout
from mlmagic.spec.noun import Noun
from mlmagic.spec.rollout import Observed, RolloutStatus
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.files import write_atomic

LEAST_REQUESTS = 20
"""Fewer tell too little of a version to give it more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRecord(Noun):
    """How far it has come, and what was seen in the step that it is at."""

    plan: Rollout
    status: RolloutStatus
    candidate: Observed = field(default_factory=Observed)
    current: Observed = field(default_factory=Observed)
    """Of all versions beside it together."""

    @classmethod
    def at(cls, plan: Rollout, step: int) -> Self:
        """Return the record of a step that begins."""
        status = RolloutStatus(
            version=plan.version,
            shares=tuple(stage.share for stage in plan.stages),
            step=step,
            hold_seconds=plan.hold_seconds,
            least_requests=LEAST_REQUESTS,
            update_time=datetime.now(UTC),
        )
        return cls(plan=plan, status=status)

    def with_status(self, **fields: Any) -> Self:
        """Return it with another status."""
        status = dataclasses.replace(self.status, update_time=datetime.now(UTC), **fields)
        return dataclasses.replace(self, status=status)


def read_rollout(folder: EndpointFolder) -> RolloutRecord | None:
    """Return the newest roll-out; None if there is none that can be read."""
    try:
        return loads(RolloutRecord, folder.rollout.read_bytes())
    except (OSError, DecodeError):
        return None


def write_rollout(folder: EndpointFolder, record: RolloutRecord) -> None:
    """Write it, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_atomic(folder.rollout, dumps(record), sync=False)
