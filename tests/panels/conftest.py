"""Records to draw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, JobSummary, PackageReference
from mlmagic.spec.model import Model, ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.spec.report import JobDescription, StateChange
from mlmagic.spec.usage import Usage, UsageSample

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
JOB_ID = "taxi-20261121-092800-ab12"


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
