"""Records to draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, JobSummary, PackageReference
from mlmagic.spec.model import Model, ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.spec.report import JobDescription, Progress, StateChange
from mlmagic.spec.study import (
    Condition,
    Goal,
    Measurement,
    Parameter,
    ParameterKind,
    Scale,
    Study,
    StudySpec,
    Trial,
    TrialState,
)
from mlmagic.spec.study_report import StudyReport, TrialRun
from mlmagic.spec.usage import Usage, UsageSample

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
JOB_ID = "taxi-20261121-092800-ab12"
STUDY_ID = "flights-20261121-092000-cd34"


def before(seconds):
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def record():
    """Make a job's record."""

    def make(state="RUNNING", *, spec=None, **fields):
        package = PackageReference(digest="ab" * 32, requirements=("keras==3.15.0",))
        spec = JobSpec(**{"display_name": "taxi", "package": package, "model": "taxi", **(spec or {})})
        times = {"create_time": before(140), "start_time": before(130), "update_time": NOW}
        return JobRecord(**{"id": JOB_ID, "spec": spec, "state": JobState(state), **times, **fields})

    return make


@pytest.fixture
def summary():
    """Make a row of a job list."""

    def make(state="RUNNING", **fields):
        times = {"create_time": before(7200), "start_time": before(7190)}
        known = {"id": JOB_ID, "display_name": "taxi", "kind": JobKind.TRAINING, "backend": "local"}
        return JobSummary(**{**known, "state": JobState(state), **times, **fields})

    return make


@pytest.fixture
def describe(record):
    """Make a job's description; `changes` are pairs of a state and how many seconds ago, or triples with an attempt."""

    def make(state="RUNNING", *, changes=(), usage=(), **fields):
        own = {name: fields.pop(name) for name in JobDescription.__dataclass_fields__ if name in fields}
        states = tuple(
            StateChange(state=JobState(name), time=before(seconds), attempt=attempt[0] if attempt else 1)
            for name, seconds, *attempt in changes
        )
        return JobDescription(record=record(state, **fields), changes=states, usage=Usage(samples=tuple(usage)), **own)

    return make


@pytest.fixture
def sample():
    """Make a sample of usage, so many seconds ago."""

    def make(seconds_ago, cores=1.0, memory=100 << 20, *, replica="chief-0", **fields):
        return UsageSample(
            time=before(seconds_ago), replica=replica, cores=cores, memory_bytes=memory, **{"seconds": 1.0, **fields}
        )

    return make


@pytest.fixture
def model():
    return Model(name="taxi", aliases={"default": 1, "champion": 1}, create_time=before(9000))


@pytest.fixture
def versions():
    signature = Signature(
        inputs=(TensorSpec(name="distance", dtype="float32", shape=(None, 28, None)),),
        outputs=(TensorSpec(name="delay", dtype="float32", shape=(None, 1)),),
    )
    return [
        ModelVersion(
            model="taxi",
            number=number,
            create_time=before(9000 // number),
            origin=ModelOrigin(job_id=JOB_ID),
            signature=signature,
            size_bytes=20_480 * number,
        )
        for number in (1, 2)
    ]


SPACE = (
    Parameter(name="lr", kind=ParameterKind.DOUBLE, minimum=1e-4, maximum=1e-1, scale=Scale.LOG),
    Parameter(name="units", kind=ParameterKind.INTEGER, minimum=16, maximum=256),
    Parameter(name="optimizer", kind=ParameterKind.CATEGORICAL, categories=("adam", "sgd")),
    Parameter(
        name="momentum",
        kind=ParameterKind.DOUBLE,
        minimum=0.0,
        maximum=0.99,
        condition=Condition(parameter="optimizer", values=("sgd",)),
    ),
    Parameter(name="batch", kind=ParameterKind.DISCRETE, numbers=(32.0, 64.0, 128.0)),
)


@pytest.fixture
def study(describe):
    """Make a study's report; `trials` are values, or words: `failed`, `early`, `active`, `waiting`."""

    def make(*trials, state="RUNNING", goal="MINIMIZE", reference="flights", importance=None, eta=None, **fields):
        job = {name: fields.pop(name) for name in ("error", "message", "end_time", "log_tail") if name in fields}
        spec = StudySpec(
            **{"metric": "val_loss", "goal": Goal(goal), "parameters": SPACE, "trials": len(trials) or 24, **fields}
        )
        made = [_trial(number, what) for number, what in enumerate(trials, start=1)]
        return StudyReport(
            study=Study(id=STUDY_ID, spec=spec, trials=tuple(trial for trial, _ in made)),
            job=describe(
                state, id=STUDY_ID, spec={"display_name": "flights", "kind": JobKind.TUNING, "study": spec}, **job
            ),
            reference=reference,
            runs=tuple(run for _, run in made),
            importance=importance or {},
            eta_seconds=eta,
        )

    return make


def _trial(number, what):
    """Make a trial and how its job is; `what` became of it is its value or a word."""
    optimizer = ("adam", "sgd")[number % 2]
    momentum = {"momentum": "0.9"} if optimizer == "sgd" else {}
    trial = Trial(
        number=number,
        parameters={"lr": f"{0.0001 * 1.7**number}", "units": str(16 * number), "optimizer": optimizer, **momentum}
        | {"batch": "64"},
        state=TrialState.ACTIVE,
        job=f"{STUDY_ID}-{number}",
        suggest_time=before(600 - number),
    )
    if what in {"active", "waiting"}:
        job = JobState.RUNNING if what == "active" else JobState.QUEUED
        curve = tuple(Measurement(step=step, value=1 / step) for step in (1, 2)) if what == "active" else ()
        progress = Progress(epoch=3, epochs=9) if what == "active" else None
        return trial, TrialRun(number=number, state=job, curve=curve, progress=progress, elapsed_seconds=20.0)
    if what == "failed":
        trial = replace(trial, state=TrialState.INFEASIBLE, end_time=NOW, reason="it ran out of memory: 2.1 GiB")
        return trial, TrialRun(number=number, state=JobState.FAILED, elapsed_seconds=3.5)
    value = 0.5 if what == "early" else what
    curve = tuple(Measurement(step=step, value=value + 1 / step) for step in range(1, 10))
    curve = (*curve, Measurement(step=10, value=value))
    trial = replace(trial, state=TrialState.SUCCEEDED, end_time=NOW, final=curve[-1], is_stopped_early=what == "early")
    return trial, TrialRun(number=number, state=JobState.SUCCEEDED, elapsed_seconds=61.0, curve=curve)
