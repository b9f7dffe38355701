"""Batch predictions through Vertex AI's own client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api_core import exceptions
from support.vertex import MACHINE, Vertex, until

pytestmark = pytest.mark.timeout(900)

FINAL = {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"}
MACHINES = {"machine_spec": MACHINE["machine_spec"], "starting_replica_count": 1}


@pytest.fixture(scope="module")
def model(vertex: Vertex, uri: str) -> str:
    return str(vertex.upload(uri, "vector").model)


def put(vertex: Vertex, name: str, *lines: Any) -> None:
    path = vertex.emulator.buckets / vertex.emulator.bucket / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))


def create(vertex: Vertex, model: str, source: str, kind: str = "jsonl", **fields: Any) -> Any:
    bucket = f"gs://{vertex.emulator.bucket}"
    job = {
        "display_name": "rides",
        "model": model,
        "input_config": {"instances_format": kind, "gcs_source": {"uris": [f"{bucket}/{source}"]}},
        "output_config": {"predictions_format": kind, "gcs_destination": {"output_uri_prefix": f"{bucket}/out"}},
        "dedicated_resources": MACHINES,
        **fields,
    }
    return vertex.client("JobService").create_batch_prediction_job(parent=vertex.parent, batch_prediction_job=job)


def ended(vertex: Vertex, job: Any) -> Any:
    def found() -> Any:
        seen = vertex.client("JobService").get_batch_prediction_job(name=job.name)
        return seen if seen.state.name in FINAL else None

    return until(found)


def outputs(vertex: Vertex, job: Any) -> dict[str, str]:
    prefix = job.output_info.gcs_output_directory.removeprefix(f"gs://{vertex.emulator.bucket}/")
    folder = vertex.emulator.buckets / vertex.emulator.bucket / prefix
    assert folder.name.startswith("prediction-vector-20")
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_lines_with_some_that_fail(vertex: Vertex, model: str) -> None:
    put(vertex, "lines/a.jsonl", {"pixels": [1, 2, 3]}, {"pixels": [1, 2]}, {"pixels": [0, 0, 1]})
    put(vertex, "lines/b.jsonl", [4, 5, 6])
    job = ended(vertex, create(vertex, model, "lines/*.jsonl"))
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    assert (job.completion_stats.successful_count, job.completion_stats.failed_count) == (3, 1)
    found = outputs(vertex, job)
    first, second = found["prediction.results-00000-of-00002"].splitlines()
    assert json.loads(first) == {"instance": {"pixels": [1, 2, 3]}, "prediction": [2.0, 4.0, 6.0]}
    assert json.loads(second)["prediction"] == [0.0, 0.0, 2.0]
    failed = json.loads(found["prediction.errors_stats-00000-of-00002"])
    assert failed["instance"] == {"pixels": [1, 2]}
    assert "instances[0].pixels" in failed["error"]["message"]
    assert json.loads(found["prediction.results-00001-of-00002"])["instance"] == [4, 5, 6]


def test_rows_of_a_table(vertex: Vertex, model: str) -> None:
    put(vertex, "rows.csv", "id,a,b,c", "x,1,2,3", "y,4,5,6")
    job = ended(vertex, create(vertex, model, "rows.csv", "csv", instance_config={"key_field": "id"}))
    rows = outputs(vertex, job)["prediction.results-00000-of-00001"].splitlines()
    assert rows == ["key,prediction", 'x,"[2.0, 4.0, 6.0]"', 'y,"[8.0, 10.0, 12.0]"']


def test_nothing_to_predict_fails(vertex: Vertex, model: str) -> None:
    job = ended(vertex, create(vertex, model, "nothing/*"))
    assert job.state.name == "JOB_STATE_FAILED"
    assert f"No files were found at gs://{vertex.emulator.bucket}/nothing/*." in job.error.message
    assert job.completion_stats.incomplete_count == -1


def test_cancel_and_delete(vertex: Vertex, model: str) -> None:
    client = vertex.client("JobService")
    put(vertex, "many.jsonl", *([[1, 2, 3]] * 10))
    job = create(vertex, model, "many.jsonl")
    with pytest.raises(exceptions.BadRequest, match=r"is in state JOB_STATE_.*: cancel it first"):
        client.delete_batch_prediction_job(name=job.name)
    client.cancel_batch_prediction_job(name=job.name)
    assert ended(vertex, job).state.name == "JOB_STATE_CANCELLED"
    client.delete_batch_prediction_job(name=job.name).result()
    listed = client.list_batch_prediction_jobs({"parent": vertex.parent, "filter": 'display_name="rides"'})
    assert job.name not in {each.name for each in listed}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"display_name": ""}, "Required field batch_prediction_job.display_name is not set"),
        ({"dedicated_resources": {}}, r"dedicated_resources\.machine_spec\.machine_type is not set"),
        ({"input_config": {"instances_format": "xml"}}, "'xml': supported are jsonl, csv, tf-record, tf-record-gzip"),
        ({"instance_config": {"included_fields": ["a"], "excluded_fields": ["b"]}}, "Only one of included_fields and"),
    ],
)
def test_refusals(vertex: Vertex, model: str, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=why):
        create(vertex, model, "lines/a.jsonl", **fields)


def test_bigquery_is_refused(vertex: Vertex, model: str) -> None:
    source = {"instances_format": "bigquery", "bigquery_source": {"input_uri": "bq://p.d.t"}}
    with pytest.raises(exceptions.MethodNotImplemented, match="does not implement sources of instances but gcs_source"):
        create(vertex, model, "lines/a.jsonl", input_config=source)
