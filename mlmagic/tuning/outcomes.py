"""What becomes of a trial whose job has ended, counted as Vertex AI counts it."""

from __future__ import annotations

import dataclasses
import math
import signal
from datetime import UTC, datetime

from mlmagic.runtime.ending import STOPPED_EARLY
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.study import StudySpec, Trial, TrialState
from mlmagic.tuning.measurements import Measurements


def ended_trial(trial: Trial, record: JobRecord, measured: Measurements, spec: StudySpec) -> Trial:
    """Return the trial in its final state, given its job's record and what that has reported."""
    end_time = record.end_time or datetime.now(UTC)
    failure = _why_failed(record)
    if failure is None:
        failure = _why_nothing_counts(measured, spec)
    if failure is not None:
        return dataclasses.replace(trial, state=TrialState.INFEASIBLE, end_time=end_time, reason=failure)
    is_stopped = (record.message or "").startswith(STOPPED_EARLY)
    return dataclasses.replace(
        trial,
        state=TrialState.SUCCEEDED,
        end_time=end_time,
        final=measured.counting(spec.selection, spec.goal),
        is_stopped_early=is_stopped,
        reason=record.stop_reason if is_stopped else None,
    )


def gone_trial(trial: Trial) -> Trial:
    """Return the trial whose job is not there any more."""
    return dataclasses.replace(
        trial, state=TrialState.INFEASIBLE, end_time=datetime.now(UTC), reason="its job was deleted"
    )


def _why_failed(record: JobRecord) -> str | None:
    if record.state is JobState.SUCCEEDED:
        return None
    if record.state is JobState.CANCELLED:
        return "it was cancelled"
    told = record.error.message if record.error is not None else f"its job is {record.state}"
    if record.exit_code == -signal.SIGKILL and "SIGKILL" in told:
        return f"{told}: the machine may have run out of memory"
    return told


def _why_nothing_counts(measured: Measurements, spec: StudySpec) -> str | None:
    counting = measured.counting(spec.selection, spec.goal)
    if counting is None:
        others = f"; what it reported: {', '.join(measured.others[:10])}" if measured.others else ""
        return f"it did not report {spec.metric}{others}"
    if not math.isfinite(counting.value):
        value = "NaN" if math.isnan(counting.value) else "infinite"
        return f"its {spec.metric} is {value} at step {counting.step}"
    return None
