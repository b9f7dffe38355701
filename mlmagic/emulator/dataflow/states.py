"""A job's state in the engine, and Dataflow's word for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlmagic.spec.job import JobState

STATES: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.QUEUED: "JOB_STATE_PENDING",
        JobState.PENDING: "JOB_STATE_PENDING",
        JobState.RUNNING: "JOB_STATE_RUNNING",
        JobState.SUCCEEDED: "JOB_STATE_DONE",
        JobState.FAILED: "JOB_STATE_FAILED",
        JobState.CANCELLING: "JOB_STATE_CANCELLING",
        JobState.CANCELLED: "JOB_STATE_CANCELLED",
        JobState.PAUSED: "JOB_STATE_PAUSED",
        JobState.EXPIRED: "JOB_STATE_FAILED",
        JobState.UPDATING: "JOB_STATE_RUNNING",
        JobState.PARTIALLY_SUCCEEDED: "JOB_STATE_DONE",
        JobState.LOST: "JOB_STATE_FAILED",
    }
)
TERMINATED = frozenset({"JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"})
"""States that a job never leaves."""
