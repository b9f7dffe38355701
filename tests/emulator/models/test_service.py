"""Models through Vertex AI's own client."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from support.vertex import IMAGE, Vertex


def test_upload_and_get(vertex: Vertex, uri: str) -> None:
    uploaded = vertex.upload(uri, "vector", labels={"team": "a"})
    model = vertex.client("ModelService").get_model(name=uploaded.model)
    assert (model.name, model.version_id, list(model.version_aliases)) == (uploaded.model, "1", ["default"])
    assert (model.display_name, model.artifact_uri, dict(model.labels)) == ("vector", uri, {"team": "a"})
    assert model.container_spec.image_uri == IMAGE


def test_versions_and_aliases(vertex: Vertex, uri: str) -> None:
    client = vertex.client("ModelService")
    name = vertex.upload(uri).model
    second = vertex.upload(uri, parent_model=name, version_aliases=["golden"])
    assert (second.model, second.model_version_id) == (name, "2")
    assert client.get_model(name=name).version_id == "1"
    assert client.get_model(name=f"{name}@golden").version_id == "2"
    client.merge_version_aliases(name=f"{name}@2", version_aliases=["default", "-golden"])
    assert client.get_model(name=name).version_id == "2"
    assert [version.version_id for version in client.list_model_versions(name=name)] == ["2", "1"]
    with pytest.raises(exceptions.NotFound, match=r"The Model version .*@golden was not found"):
        client.get_model(name=f"{name}@golden")


def test_lists_are_filtered(vertex: Vertex, uri: str) -> None:
    vertex.upload(uri, "listed", labels={"kind": "x"})
    vertex.upload(uri, "listed-too", labels={"kind": "y"})
    listed = vertex.client("ModelService").list_models(
        {"parent": vertex.parent, "filter": 'labels.kind="x" AND display_name="listed"', "page_size": 1}
    )
    assert [model.display_name for model in listed] == ["listed"]


def test_update(vertex: Vertex, uri: str) -> None:
    client = vertex.client("ModelService")
    name = vertex.upload(uri).model
    changed = client.update_model(model={"name": name, "display_name": "new"}, update_mask={"paths": ["display_name"]})
    assert changed.display_name == "new"
    mask = {"paths": ["version_description"]}
    client.update_model(model={"name": f"{name}@1", "version_description": "first"}, update_mask=mask)
    assert client.get_model(name=name).version_description == "first"
    with pytest.raises(exceptions.BadRequest, match="Cannot update artifact_uri; here these can: description"):
        client.update_model(model={"name": name}, update_mask={"paths": ["artifact_uri"]})


def test_evaluations_of_a_version_are_kept(vertex: Vertex, uri: str) -> None:
    client = vertex.client("ModelService")
    name = vertex.upload(uri).model
    vertex.upload(uri, parent_model=name)
    evaluation = {"display_name": "august", "metrics": {"rmse": 9.35}, "metrics_schema_uri": "gs://x/regression.yaml"}
    made = client.import_model_evaluation(parent=f"{name}@2", model_evaluation=evaluation)
    assert client.get_model_evaluation(name=made.name).metrics == {"rmse": 9.35}
    assert [one.display_name for one in client.list_model_evaluations(parent=f"{name}@2")] == ["august"]
    assert not list(client.list_model_evaluations(parent=name))
    with pytest.raises(exceptions.BadRequest, match=r"Required field model_evaluation.metrics is not set"):
        client.import_model_evaluation(parent=name, model_evaluation={"display_name": "empty"})


def test_export(vertex: Vertex, uri: str) -> None:
    name = vertex.upload(uri, "vector").model
    destination = {"artifact_destination": {"output_uri_prefix": f"gs://{vertex.emulator.bucket}/exported"}}
    call = vertex.client("ModelService").export_model(name=name, output_config=destination)
    call.result()
    written = call.metadata.output_info.artifact_output_uri.removeprefix(f"gs://{vertex.emulator.bucket}/")
    assert written.startswith("exported/model-export-vector-20")
    bucket = vertex.emulator.buckets / vertex.emulator.bucket
    first, second = ({path.name for path in (bucket / each).iterdir()} for each in ("models/vector", written))
    assert first == second


def test_deletion(vertex: Vertex, uri: str) -> None:
    client = vertex.client("ModelService")
    name = vertex.upload(uri, model_id="doomed").model
    assert name.endswith("/models/doomed")
    vertex.upload(uri, parent_model=name)
    with pytest.raises(exceptions.BadRequest, match=r"is the default version. Give the alias default to another"):
        client.delete_model_version(name=f"{name}@1")
    client.delete_model_version(name=f"{name}@2").result()
    client.delete_model(name=name).result()
    with pytest.raises(exceptions.NotFound, match=f"The Model {name} was not found"):
        client.get_model(name=name)
    assert vertex.upload(uri, model_id="doomed").model_version_id == "1"


def test_a_folder_without_a_model(vertex: Vertex) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"Model directory gs://.*/none is expected to contain"):
        vertex.upload(f"gs://{vertex.emulator.bucket}/none")


def test_a_model_that_cannot_be_read(vertex: Vertex) -> None:
    broken = vertex.emulator.buckets / vertex.emulator.bucket / "broken"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(exceptions.BadRequest, match=r"The model in gs://.*/broken cannot be served: "):
        vertex.upload(f"gs://{vertex.emulator.bucket}/broken")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({}, "Required field model.display_name is not set"),
        ({"display_name": "m"}, "Required field model.container_spec.image_uri is not set"),
        ({"display_name": "m", "container_spec": {"image_uri": IMAGE}}, "Required field model.artifact_uri is not set"),
        ({"display_name": "m" * 129}, "model.display_name has more than 128 characters"),
    ],
)
def test_refusals(vertex: Vertex, model: dict[str, object], why: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=why):
        vertex.client("ModelService").upload_model(parent=vertex.parent, model=model)
