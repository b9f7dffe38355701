"""How trials are counted, for each way in which a job ends."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from support.studies import study_spec, trial

from mlmagic.spec.job import JobError, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.study import Measurement, MeasurementSelection, TrialState
from mlmagic.tuning.measurements import Measurements
from mlmagic.tuning.outcomes import ended_trial, gone_trial

NOW = datetime(2026, 1, 31, 12, 40, tzinfo=UTC)


def record(state: JobState, **fields: object) -> JobRecord:
    spec = JobSpec(display_name="flights", package=PackageReference(digest="d"))
    times = {"create_time": NOW, "update_time": NOW, "end_time": NOW}
    return JobRecord(id="flights-20260131-123015-0a1b-1", spec=spec, state=state, **times, **fields)  # type: ignore[arg-type]


def measured(*values: float, **fields: object) -> Measurements:
    made = [Measurement(step=step, value=value) for step, value in enumerate(values, 1)]
    return Measurements(values=tuple(made), **fields)  # type: ignore[arg-type]


def test_a_trial_that_reported_and_ended_well() -> None:
    ended = ended_trial(trial(1), record(JobState.SUCCEEDED), measured(3, 1, 2), study_spec())
    assert (ended.state, ended.end_time, ended.reason) == (TrialState.SUCCEEDED, NOW, None)
    assert ended.final == Measurement(step=3, value=2)
    best = study_spec(selection=MeasurementSelection.BEST)
    assert ended_trial(trial(1), record(JobState.SUCCEEDED), measured(3, 1, 2), best).final == Measurement(
        step=2, value=1
    )


def test_a_trial_that_was_stopped_early_succeeded() -> None:
    stopped = record(JobState.SUCCEEDED, message="stopped early: it is slow", stop_reason="it is slow")
    ended = ended_trial(trial(1), stopped, measured(3), study_spec())
    assert (ended.state, ended.is_stopped_early, ended.reason) == (TrialState.SUCCEEDED, True, "it is slow")
    too_late = record(JobState.SUCCEEDED, stop_reason="it is slow")
    ended = ended_trial(trial(1), too_late, measured(3), study_spec())
    assert (ended.is_stopped_early, ended.reason) == (False, None)


@pytest.mark.parametrize(
    ("job", "reported", "reason"),
    [
        (record(JobState.SUCCEEDED), measured(), "it did not report loss"),
        (
            record(JobState.SUCCEEDED),
            measured(others=("accuracy", "auc")),
            "it did not report loss; what it reported: accuracy, auc",
        ),
        (record(JobState.SUCCEEDED), measured(1, math.nan), "its loss is NaN at step 2"),
        (record(JobState.SUCCEEDED), measured(-math.inf), "its loss is infinite at step 1"),
        (record(JobState.CANCELLED), measured(1), "it was cancelled"),
        (
            record(JobState.FAILED, exit_code=1, error=JobError(message="ImportError: no module")),
            measured(1),
            "ImportError: no module",
        ),
        (
            record(JobState.FAILED, exit_code=-9, error=JobError(message="the program was ended by SIGKILL")),
            measured(1),
            "the program was ended by SIGKILL: the machine may have run out of memory",
        ),
        (
            record(JobState.LOST, error=JobError(message="the machine was restarted while it ran")),
            measured(1),
            "the machine was restarted while it ran",
        ),
        (record(JobState.EXPIRED), measured(1), "its job is EXPIRED"),
    ],
    ids=["nothing", "other", "nan", "infinite", "cancelled", "crash", "memory", "lost", "expired"],
)
def test_an_infeasible_trial(job: JobRecord, reported: Measurements, reason: str) -> None:
    ended = ended_trial(trial(1), job, reported, study_spec())
    assert (ended.state, ended.reason, ended.final) == (TrialState.INFEASIBLE, reason, None)


def test_a_trial_whose_job_was_deleted() -> None:
    gone = gone_trial(trial(1))
    assert (gone.state, gone.reason) == (TrialState.INFEASIBLE, "its job was deleted")
