"""The words for states, compared with the client library's own enums."""

from __future__ import annotations

from mlmagic.backends.google.states import DATAFLOW_STATES, STATES, state_of
from mlmagic.spec.job import JobState


def test_every_word_of_the_client_library_has_a_state_and_no_other() -> None:
    from google.cloud.aiplatform_v1.types.job_state import JobState as TheirJobState
    from google.cloud.aiplatform_v1.types.pipeline_state import PipelineState

    assert set(STATES) == {state.name for kind in (TheirJobState, PipelineState) for state in kind}


def test_every_word_of_dataflow_has_a_state() -> None:
    from google.cloud.dataflow_v1beta3 import JobState as DataflowState

    words = {state.name for state in DataflowState}
    assert set(DATAFLOW_STATES) == words - set(STATES)
    assert all(state_of(word) is not None for word in words)


def test_words_that_are_the_same_mean_the_same() -> None:
    told = {word: state for word, state in STATES.items() if not word.endswith("_UNSPECIFIED")}
    assert all(word.partition("_STATE_")[2] == state for word, state in told.items())
    assert set(told.values()) == set(JobState) - {JobState.LOST}


def test_a_word_of_a_newer_service_means_nothing() -> None:
    assert state_of("JOB_STATE_DREAMING") is None
    assert state_of("JOB_STATE_RUNNING") is JobState.RUNNING
