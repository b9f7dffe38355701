"""Requests in JSON, and what the real API says about wrong ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.reading import read
from mlmagic.emulator.wire.routes import find

JOBS = "/v1/projects/p/locations/r/customJobs"
SPEC = {"workerPoolSpecs": [{"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 2}]}


def read_dict(verb: str, path: str, document: Any = None, *query: tuple[str, str]) -> dict[str, Any]:
    found = find(verb, path)
    assert found is not None
    body = b"" if document is None else document if isinstance(document, bytes) else json.dumps(document).encode()
    return messages.to_dict(read(*found, query, body))


def test_a_request_is_read_in_camel_case_and_snake_case() -> None:
    camel = {"displayName": "a", "jobSpec": {**SPEC, "scheduling": {"strategy": 4}}}
    snake = {"display_name": "a", "job_spec": {**SPEC, "scheduling": {"strategy": "SPOT"}}}

    told = read_dict("POST", JOBS, camel)

    assert told == read_dict("POST", JOBS, snake)
    assert told["parent"] == "projects/p/locations/r"
    assert told["custom_job"]["job_spec"]["scheduling"] == {"strategy": "SPOT"}
    assert told["custom_job"]["job_spec"]["worker_pool_specs"][0]["replica_count"] == "2"


def test_parameters_of_the_address_are_fields() -> None:
    query = [("pageSize", "5"), ("filter", "a=b"), ("readMask", "name,labels"), ("$alt", "json"), ("prettyPrint", "1")]

    told = read_dict("GET", JOBS, None, *query)

    assert told == {
        "parent": "projects/p/locations/r", "page_size": 5, "filter": "a=b", "read_mask": "name,labels",
    }  # fmt: skip


def test_nested_parameters_are_fields() -> None:
    query = [("interval.endTime", "2026-01-02T03:04:05Z"), ("aggregation.groupByFields", "a"),
             ("aggregation.groupByFields", "b"), ("view", "1")]  # fmt: skip

    told = read_dict("GET", "/v3/projects/p/timeSeries", None, *query)

    assert told["interval"] == {"end_time": "2026-01-02T03:04:05Z"}
    assert told["aggregation"]["group_by_fields"] == ["a", "b"]
    assert told["view"] == "HEADERS"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"nme": 1}, "Invalid JSON payload received. Unknown name \"nme\" at 'custom_job': Cannot find field."),
        ({"displayName": 5}, "Invalid value at 'custom_job.display_name' (TYPE_STRING), 5"),
        ({"labels": 5}, "Invalid value at 'custom_job.labels' (Map), 5"),
        ({"labels": {"a": 5}}, "Invalid value at 'custom_job.labels[a].value' (TYPE_STRING), 5"),
        (
            {"jobSpec": {"workerPoolSpecs": [{"replicaCount": "x"}]}},
            "Invalid value at 'custom_job.job_spec.worker_pool_specs[0].replica_count' (TYPE_INT64), \"x\"",
        ),
        (
            {"jobSpec": {"scheduling": {"strategy": "FAST"}}},
            (
                "Invalid value at 'custom_job.job_spec.scheduling.strategy' "
                '(type.googleapis.com/google.cloud.aiplatform.v1.Scheduling.Strategy), "FAST"'
            ),
        ),
        (
            {"displayName": ["a"]},
            (
                "Invalid JSON payload received. Unknown name \"display_name\" at 'custom_job': "
                "Proto field is not repeating, cannot start list."
            ),
        ),
        (
            {"jobSpec": {"scheduling": {"timeout": "long"}}},
            (
                "Invalid value at 'custom_job.job_spec.scheduling.timeout' "
                '(type.googleapis.com/google.protobuf.Duration), "long"'
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_the_real_words(document: Any, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        read_dict("POST", JOBS, document)

    assert refused.value.code == 400
    assert refused.value.status == "INVALID_ARGUMENT"
    assert refused.value.message.startswith(said)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ApiError) as refused:
        read_dict("POST", JOBS, {"a": 1, "b": 2}, ("c", "3"))

    assert refused.value.message.count("Unknown name") == 3
    assert "Cannot bind query parameter. Field 'c' could not be found in request message." in refused.value.message
    assert len(refused.value.details[0]["fieldViolations"]) == 3


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"5"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        read_dict("POST", "/v2/entries:list", body)

    assert refused.value.status == "INVALID_ARGUMENT"


def test_raw_bytes_are_handed_on_and_gapics_form_of_them_is_read() -> None:
    address = "/v1/projects/p/locations/r/endpoints/5:rawPredict"
    gapic = {"httpBody": {"contentType": "text/plain", "data": "YWI="}}

    raw = read_dict("POST", address, b"ab")

    assert raw["http_body"] == {"content_type": "application/json", "data": "YWI="}
    assert read_dict("POST", address, gapic)["http_body"] == {"content_type": "text/plain", "data": "YWI="}


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity"])
def test_what_is_no_number_is_no_json(number: bytes) -> None:
    path = "/v1/projects/p/locations/r/endpoints/1:predict"
    with pytest.raises(ApiError, match="Parser terminated before end of string") as raised:
        read_dict("POST", path, b'{"instances": [%s]}' % number)
    assert raised.value.code == 400
