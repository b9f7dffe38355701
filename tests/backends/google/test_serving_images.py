"""Which prebuilt image serves a model that TensorFlow has saved, by the operations in its graph."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.tensorflow_models import saved_models

from mlmagic.backends.google.serving_images import lacking, operations_of, serving_image
from mlmagic.backends.google.vertex_models import container_of
from mlmagic.errors import UsageError
from mlmagic.runtime.signature import load_saved_model
from mlmagic.spec.model import ModelOrigin, ModelVersion
from mlmagic.workspace.layout import Workspace


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models `houses`, `forever`, with a loop, and `webp`, with an operation of TensorFlow 2.16."""
    return saved_models(tmp_path_factory)


def version_of(workspace: Workspace, folder: Path) -> ModelVersion:
    shutil.copytree(folder, workspace.version(folder.name, 1).root)
    return ModelVersion(model=folder.name, number=1, create_time=datetime.now(UTC), origin=ModelOrigin())


@pytest.mark.parametrize(
    ("name", "inner"), [("houses", "LookupTableFindV2"), ("forever", "Abs"), ("webp", "DecodeWebP")]
)
def test_operations_are_read_as_protobuf_reads_them(saved: Path, name: str, inner: str) -> None:
    graph = load_saved_model(saved / name).meta_graphs[0].graph_def
    functions = [node.op for function in graph.library.function for node in function.node_def]
    found = operations_of(saved / name)
    assert found == {*functions, *(node.op for node in graph.node)}
    assert inner in found


def test_what_is_no_graph_has_no_operations(tmp_path: Path) -> None:
    assert operations_of(tmp_path) == frozenset()
    (tmp_path / "saved_model.pb").write_bytes(b"\x12\xff\x01no message")
    assert operations_of(tmp_path) == frozenset()


def test_a_model_of_usual_operations_has_the_newest_image(saved: Path, workspace: Workspace) -> None:
    newest = "europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
    assert serving_image("europe-west4", operations_of(saved / "forever")) == newest
    assert container_of(workspace, version_of(workspace, saved / "forever"), None, region="europe-west4") == newest


def test_an_operation_that_was_taken_away_has_the_newest_image_with_it() -> None:
    assert serving_image("us-central1", frozenset({"Relu", "CompareAndBitpack"})) == (
        "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-5:latest"
    )
    assert serving_image("us-central1", frozenset({"CompareAndBitpack", "DecodeWebP"})) is None


def test_what_no_image_can_run_is_told_with_its_operations(saved: Path, workspace: Workspace) -> None:
    version = version_of(workspace, saved / "webp")
    with pytest.raises(UsageError) as raised:
        container_of(workspace, version, None)
    told = "webp@1 was saved by a TensorFlow with operations that Vertex AI's prebuilt images cannot run: DecodeWebP."
    assert raised.value.message == told
    assert "--image URI" in (raised.value.hint or "")
    mine = "us-docker.pkg.dev/p/r/server:1"
    assert container_of(workspace, version, mine) == mine


def test_a_prebuilt_image_of_the_users_choice_is_checked_too(saved: Path, workspace: Workspace) -> None:
    image = serving_image("us-central1", has_gpu=True) or ""
    with pytest.raises(UsageError, match=r"that us-docker.*tf2-gpu\.2-15:latest cannot run: DecodeWebP\."):
        container_of(workspace, version_of(workspace, saved / "webp"), image)


def test_nothing_is_known_of_what_no_tensorflow_has_and_of_old_images() -> None:
    assert lacking(serving_image("us-central1") or "", frozenset({"SimpleMLInferenceOp"})) == ()
    assert lacking("us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-1:latest", frozenset({"DecodeWebP"})) == ()
