from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.spec import codec
from mlmagic.spec.codec import DecodeError
from mlmagic.spec.job import (
    ExitRecord,
    JobError,
    JobKind,
    JobRecord,
    JobSpec,
    JobState,
    JobSummary,
    Origin,
    PackageReference,
)
from mlmagic.spec.model import Model, ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.spec.noun import Noun
from mlmagic.spec.package import SourceBlock, SourceMap
from mlmagic.spec.resources import Resources, WorkerPool

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d1"))
REQUIRED = {"displayName": "taxi", "package": {"digest": "d1"}}
RECORD = JobRecord(id="taxi-1", spec=SPEC, state=JobState.RUNNING, create_time=NOW, update_time=NOW)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
floats = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants it so
json_values = st.one_of(st.none(), st.booleans(), st.integers(), floats, texts, st.lists(texts, max_size=1))
# A newer version's fields have names that this version does not have.
extras = st.dictionaries(st.sampled_from(["carbonBudget", "signedBy"]), json_values, max_size=1)


def nouns(noun: type[Noun], /, **known: st.SearchStrategy[object]) -> st.SearchStrategy[Noun]:
    return st.builds(noun, extra=extras, **known)


errors = nouns(JobError, message=texts, traceback=st.none() | texts, hint=st.none() | texts)
pools = nouns(
    WorkerPool,
    machine_type=texts,
    replica_count=st.integers(),
    accelerator_type=st.none() | texts,
    accelerator_count=st.none() | st.integers(),
)
specs = nouns(
    JobSpec,
    display_name=texts,
    kind=st.sampled_from(JobKind),
    package=nouns(PackageReference, digest=texts, requirements=st.lists(texts, max_size=3).map(tuple)),
    args=st.lists(texts, max_size=3).map(tuple),
    resources=nouns(Resources, worker_pools=st.lists(pools, max_size=2).map(tuple)),
    model=st.none() | texts,
    set_default=st.booleans(),
    labels=st.dictionaries(texts, texts, max_size=3),
    timeout_seconds=st.none() | floats,
    origin=nouns(Origin, notebook=st.none() | texts, cell_number=st.none() | st.integers()),
)
records = nouns(
    JobRecord,
    id=texts,
    spec=specs,
    state=st.sampled_from(JobState),
    create_time=times,
    start_time=st.none() | times,
    end_time=st.none() | times,
    update_time=times,
    exit_code=st.none() | st.integers(),
    error=st.none() | errors,
)
tensors = nouns(TensorSpec, name=texts, dtype=texts, shape=st.lists(st.none() | st.integers(), max_size=3).map(tuple))
versions = nouns(
    ModelVersion,
    model=texts,
    number=st.integers(),
    create_time=times,
    origin=nouns(ModelOrigin, create_time=st.none() | times, job_id=st.none() | texts),
    signature=st.none() | nouns(Signature, inputs=st.lists(tensors, max_size=2).map(tuple)),
)
models = nouns(Model, name=texts, aliases=st.dictionaries(texts, st.integers(), max_size=3), create_time=times)
exits = nouns(
    ExitRecord, attempt=st.integers(), state=st.sampled_from(JobState), end_time=times, error=st.none() | errors
)
summaries = nouns(
    JobSummary,
    id=texts,
    display_name=texts,
    kind=st.sampled_from(JobKind),
    backend=texts,
    state=st.sampled_from(JobState),
    create_time=times,
)
blocks = nouns(SourceBlock, file=texts, first_line=st.integers(), last_line=st.integers())
source_maps = nouns(SourceMap, blocks=st.lists(blocks, max_size=3).map(tuple))


@settings(deadline=None, max_examples=300)
@given(st.one_of(records, versions, models, exits, summaries, source_maps), st.sampled_from([None, 2]))
def test_every_noun_survives_the_round_trip(noun: Noun, indent: int | None) -> None:
    text = codec.dumps(noun, indent=indent)
    assert codec.loads(type(noun), text) == noun
    assert codec.loads(type(noun), text.encode()) == noun


def test_the_text_is_the_same_for_the_same_noun() -> None:
    one, other = (replace(SPEC, labels=labels) for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}))
    assert codec.dumps(one) == codec.dumps(other)


def test_an_empty_value_where_the_default_is_none_such_is_written() -> None:
    resources = Resources(worker_pools=())
    assert codec.loads(Resources, codec.dumps(resources)) == resources


def test_json_is_camel_case_in_utc_without_what_is_absent() -> None:
    summer = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    record = replace(RECORD, create_time=summer, message=None)
    document = json.loads(codec.dumps(record))
    assert document["schemaVersion"] == codec.SCHEMA_VERSION
    assert document["createTime"] == "2026-07-01T10:00:00.000000Z"
    assert document["spec"]["displayName"] == "taxi"
    assert document["state"] == "RUNNING"
    assert {"message", "error", "startTime", "labels"}.isdisjoint({*document, *document["spec"]})


def test_a_required_field_is_written_even_when_empty() -> None:
    spec = TensorSpec(name="x", dtype="float32", shape=())
    assert codec.encode(spec) == {"name": "x", "dtype": "float32", "shape": [], "optional": False}


def test_unknown_fields_are_kept_at_every_depth() -> None:
    document = codec.encode(RECORD)
    document["carbonBudget"] = {"kg": 3}
    document["spec"]["package"]["signedBy"] = ["ann"]
    record = codec.decode(JobRecord, document)
    assert record.extra == {"carbonBudget": {"kg": 3}}
    assert record.spec.package.extra == {"signedBy": ["ann"]}
    assert codec.encode(replace(record, state=JobState.FAILED)) == {**document, "state": "FAILED"}


def test_a_whole_number_is_a_float_where_one_is_wanted() -> None:
    spec = codec.decode(JobSpec, {**codec.encode(SPEC), "timeoutSeconds": 60})
    assert spec.timeout_seconds == 60.0
    assert isinstance(spec.timeout_seconds, float)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "JobRecord.id: expected str, got NoneType None"),
        ({"attempt": True}, "JobRecord.attempt: expected int, got bool True"),
        ({"attempt": "1"}, "JobRecord.attempt: expected int, got str '1'"),
        ({"state": "DONE"}, "JobRecord.state: 'DONE' is not a valid JobState"),
        ({"createTime": "now"}, "JobRecord.createTime: Invalid isoformat string: 'now'"),
        ({"createTime": "2026-01-01T00:00:00"}, "JobRecord.createTime: time without offset: '2026-01-01T00:00:00'"),
        ({"createTime": 5}, "JobRecord.createTime: expected str, got int 5"),
        ({"error": "x"}, "JobRecord.error: expected dict, got str 'x'"),
        ({"error": {}}, "JobRecord.error.message is missing"),
        ({"spec": {}}, "JobRecord.spec.displayName is missing"),
        ({"spec": {**REQUIRED, "args": "x"}}, "JobRecord.spec.args: expected list, got str 'x'"),
        ({"spec": {**REQUIRED, "args": ["a", 1]}}, "JobRecord.spec.args[1]: expected str, got int 1"),
        ({"spec": {**REQUIRED, "labels": {"a": 1}}}, "JobRecord.spec.labels.a: expected str, got int 1"),
    ],
)
def test_an_error_has_the_path_of_the_field(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DecodeError) as raised:
        codec.decode(JobRecord, {**codec.encode(RECORD), **changes})
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JobSpec: not JSON: Expecting property name"),
        (b"\xff\xfe\xfa", "JobSpec: not JSON: "),
        (100_000 * "[", "JobSpec: nested too deeply"),
        ("[]", "JobSpec: expected a JSON object, got list"),
        ("{}", "JobSpec.displayName is missing"),
    ],
)
def test_what_is_no_document_is_an_error(text: str | bytes, message: str) -> None:
    with pytest.raises(DecodeError) as raised:
        codec.loads(JobSpec, text)
    assert str(raised.value).startswith(message)


def test_numbers_that_are_not_finite_are_text() -> None:
    record = replace(RECORD, metrics={"loss": math.nan, "best": -math.inf, "steps": 3.0})
    text = codec.dumps(record)
    assert json.loads(text, parse_constant=pytest.fail)["metrics"] == {"best": "-Infinity", "loss": "NaN", "steps": 3.0}
    found = codec.loads(JobRecord, text).metrics
    assert math.isnan(found["loss"])
    assert found["best"] == -math.inf


def test_times_sort_as_text() -> None:
    moments = [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(days=40), NOW.replace(microsecond=0)]
    assert sorted(moments) == [codec.parse_time(text) for text in sorted(map(codec.format_time, moments))]


@pytest.mark.parametrize("kind", [JobSpec, JobRecord, ExitRecord, ModelVersion, SourceMap])
def test_nouns_cannot_be_changed(kind: type[Noun]) -> None:
    assert kind.__dataclass_params__.frozen
    assert "extra" in {field.name for field in fields(kind)}
    assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)
