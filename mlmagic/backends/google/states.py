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

DATAFLOW_STATES: Mapping[str, JobState] = MappingProxyType(
    {
        "JOB_STATE_UNKNOWN": JobState.QUEUED,
        # Made, but not begun.
        "JOB_STATE_STOPPED": JobState.PENDING,
        "JOB_STATE_DONE": JobState.SUCCEEDED,
        # What follows is of streaming jobs and of templates, none of which are made here.
        "JOB_STATE_UPDATED": JobState.FAILED,
        "JOB_STATE_DRAINING": JobState.RUNNING,
        "JOB_STATE_DRAINED": JobState.CANCELLED,
        "JOB_STATE_PAUSING": JobState.RUNNING,
        "JOB_STATE_RESOURCE_CLEANING_UP": JobState.RUNNING,
    }
)
"""The words that only Dataflow has; the others mean the same as Vertex AI's."""


def state_of(word: str) -> JobState | None:
    """Return the state that a word means; None for one that a newer service says, of which nothing is known here."""
    return STATES.get(word) or DATAFLOW_STATES.get(word)
