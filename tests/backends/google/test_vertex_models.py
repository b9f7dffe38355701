"""What our models are called in Vertex AI's registry, and what serves them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmagic.backends.google.serving_images import serving_image
from mlmagic.backends.google.vertex_models import container_of
from mlmagic.backends.google.vertex_models_names import alias_changes, can_be_alias, model_id
from mlmagic.emulator.models.names import check_aliases, check_model_id
from mlmagic.errors import UsageError
from mlmagic.spec.model import ModelOrigin, ModelVersion
from mlmagic.workspace.layout import Workspace


@pytest.mark.parametrize("name", ["taxi", "Taxi_2", "a" * 63, "ü"])
def test_a_model_has_one_id_in_each_workspace(name: str) -> None:
    first, second = model_id("a" * 16, name), model_id("b" * 16, name)
    check_model_id(first)
    assert first != second
    assert first == model_id("a" * 16, name)


def test_long_names_that_begin_alike_have_ids_of_their_own() -> None:
    assert model_id("a" * 16, "x" * 62 + "1") != model_id("a" * 16, "x" * 62 + "2")


def test_aliases_follow_ours() -> None:
    here = {"default": 2, "champion": 2, "Not_One": 2}
    assert alias_changes(("default", "mlmagic-v1", "champion"), 1, here) == ["-champion"]
    assert alias_changes(("mlmagic-v2",), 2, here) == ["champion", "default"]
    check_aliases([alias for alias in here if can_be_alias(alias)], "version_aliases")


def test_the_newest_prebuilt_image_of_the_continent_serves() -> None:
    assert serving_image("europe-west4") == "europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
    assert serving_image("me-west1") == "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
    assert serving_image("us-central1", has_gpu=True) == "us-docker.pkg.dev/vertex-ai/prediction/tf2-gpu.2-15:latest"


def test_what_no_prebuilt_image_serves_needs_one_of_the_user(workspace: Workspace) -> None:
    version = ModelVersion(
        model="sums", number=1, create_time=datetime.now(UTC), origin=ModelOrigin(artifact="onnx", framework="onnx")
    )
    with pytest.raises(UsageError, match=r"sums@1 is a model of the kind 'onnx'") as raised:
        container_of(workspace, version, None)
    assert "--image URI" in str(raised.value)
    container_of(workspace, version, "us-docker.pkg.dev/p/r/server:1")
