"""What Google Cloud calls the states of jobs and of pipelines, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlmagic.spec.job import JobState

STATES: Mapping[str, JobState] = MappingProxyType(
    {
        # Told of a job that the service has only just written down.
        "JOB_STATE_UNSPECIFIED": JobState.QUEUED,
        "JOB_STATE_QUEUED": JobState.QUEUED,
        "JOB_STATE_PENDING": JobState.PENDING,
        "JOB_STATE_RUNNING": JobState.RUNNING,
        "JOB_STATE_SUCCEEDED": JobState.SUCCEEDED,
        "JOB_STATE_FAILED": JobState.FAILED,
        "JOB_STATE_CANCELLING": JobState.CANCELLING,
        "JOB_STATE_CANCELLED": JobState.CANCELLED,
        "JOB_STATE_PAUSED": JobState.PAUSED,
        "JOB_STATE_EXPIRED": JobState.EXPIRED,
        "JOB_STATE_UPDATING": JobState.UPDATING,
        "JOB_STATE_PARTIALLY_SUCCEEDED": JobState.PARTIALLY_SUCCEEDED,
        "PIPELINE_STATE_UNSPECIFIED": JobState.QUEUED,
        "PIPELINE_STATE_QUEUED": JobState.QUEUED,
        "PIPELINE_STATE_PENDING": JobState.PENDING,
        "PIPELINE_STATE_RUNNING": JobState.RUNNING,
        "PIPELINE_STATE_SUCCEEDED": JobState.SUCCEEDED,
        "PIPELINE_STATE_FAILED": JobState.FAILED,
        "PIPELINE_STATE_CANCELLING": JobState.CANCELLING,
        "PIPELINE_STATE_CANCELLED": JobState.CANCELLED,
        "PIPELINE_STATE_PAUSED": JobState.PAUSED,
    }
)
"""Google Cloud's word → ours."""


def state_of(word: str) -> JobState | None:
    """Return the state that a word means; None for one that a newer service says, of which nothing is known here."""
    return STATES.get(word)
