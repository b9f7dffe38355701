"""An emulator that is killed, and another in its folder: what was deployed, begun and uploaded is still there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.tensorflow_models import saved_models
from support.vertex import MACHINE, Vertex, until

from mlmagic.emulator.ending import stop_emulator
from mlmagic.emulator.launch import Emulator, end_child, start_child, wait_until_it_answers
from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.workspace.layout import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "emulator"
    endpoints = LocalEndpoints(Workspace(tmp_path / "emulator" / "engine"))
    for record in endpoints.list():
        endpoints.delete(record.spec.name)


def started(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Emulator]:
    child = start_child(root)
    emulator = wait_until_it_answers(root, child)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    return child, emulator


def begin_batch(vertex: Vertex, model: str) -> str:
    bucket = f"gs://{vertex.emulator.bucket}"
    (vertex.emulator.buckets / vertex.emulator.bucket / "in.jsonl").write_text("[1, 2, 3]\n")
    job = {
        "display_name": "batch",
        "model": model,
        "input_config": {"instances_format": "jsonl", "gcs_source": {"uris": [f"{bucket}/in.jsonl"]}},
        "output_config": {"predictions_format": "jsonl", "gcs_destination": {"output_uri_prefix": f"{bucket}/out"}},
        "dedicated_resources": {"machine_spec": MACHINE["machine_spec"], "starting_replica_count": 1},
    }
    client = vertex.client("JobService")
    return str(client.create_batch_prediction_job(parent=vertex.parent, batch_prediction_job=job).name)


def test_what_it_serves_ends_with_it_when_it_is_stopped(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    child, emulator = started(root, monkeypatch)
    vertex = Vertex(emulator)
    endpoint = vertex.endpoint()
    vertex.deploy(
        endpoint, vertex.upload(vertex.put(saved_models(tmp_path_factory) / "vector", "vector")).model, new=100
    )
    assert stop_emulator(root)
    end_child(child)
    assert [one.status.state.value for one in LocalEndpoints(Workspace(root / "engine")).list()] == ["DOWN"]

    child, emulator = started(root, monkeypatch)
    body = {"data": b'{"instances": [[1, 2, 3]]}', "content_type": "application/json"}
    reply = Vertex(emulator).client("PredictionService").raw_predict(endpoint=endpoint, http_body=body)
    end_child(child)
    assert json.loads(reply.data) == {"predictions": [[2.0, 4.0, 6.0]]}


def test_what_was_there_is_there_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    child, emulator = started(root, monkeypatch)
    vertex = Vertex(emulator)
    model = vertex.upload(vertex.put(saved_models(tmp_path_factory) / "vector", "vector")).model
    endpoint = vertex.endpoint()
    deployed = vertex.deploy(endpoint, model, new=100)
    job = begin_batch(vertex, model)
    child.kill()
    end_child(child)

    child, emulator = started(root, monkeypatch)
    try:
        vertex = Vertex(emulator)
        body = {"data": json.dumps({"instances": [[1, 2, 3]]}).encode(), "content_type": "application/json"}
        reply = vertex.client("PredictionService").raw_predict(endpoint=endpoint, http_body=body)
        assert json.loads(reply.data) == {"predictions": [[2.0, 4.0, 6.0]]}
        (found,) = vertex.client("EndpointService").get_endpoint(name=endpoint).deployed_models
        assert found.id == deployed.id
        client = vertex.client("JobService")
        until(lambda: client.get_batch_prediction_job(name=job).state.name == "JOB_STATE_SUCCEEDED")
        assert client.get_batch_prediction_job(name=job).completion_stats.successful_count == 1
    finally:
        end_child(child)
