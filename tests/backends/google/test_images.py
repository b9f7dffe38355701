"""What is known of container images, compared with the client library's own tables."""

from __future__ import annotations

import pytest

from mlmagic.backends.google.images import (
    REGIONS,
    Origin,
    Purpose,
    known_image,
    prediction_images,
    public_image,
    python_image,
    training_images,
)


def test_the_prediction_images_are_those_of_the_client_library() -> None:
    from google.cloud.aiplatform.constants import prediction

    ours = {uri for region in REGIONS for uri in prediction_images(region=region)}
    assert ours == {uri for uri in prediction.TF_CONTAINER_URIS if "/tf2-" in uri}
    assert {image.origin for uri in ours if (image := known_image(uri))} == {Origin.CLIENT_LIBRARY}


def test_a_training_image_tells_python_and_libraries() -> None:
    image = known_image("us-docker.pkg.dev/vertex-ai/training/tf-gpu.2-14.py310:latest")
    assert image is not None
    assert (image.purpose, image.python, image.has_gpu, image.origin) == (
        Purpose.TRAINING,
        "3.10",
        True,
        Origin.DOCUMENTATION,
    )
    assert (image.distributions["tensorflow"], image.distributions["keras"]) == ("2.14", "2.14")


def test_every_listed_image_is_known() -> None:
    uris = [uri for region in REGIONS for uri in (*training_images(region=region), *prediction_images(region=region))]
    assert len(set(uris)) == len(uris) == 3 * (12 + 30)
    assert all(known_image(uri) is not None for uri in uris)
    assert training_images()[0] == "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest"


@pytest.mark.parametrize(("has_gpu", "uri"), [(False, "2.21.0"), (True, "2.21.0-gpu")])
def test_tensorflows_own_image_is_of_the_version_asked_for(has_gpu: bool, uri: str) -> None:
    image = known_image(public_image("2.21.0", has_gpu=has_gpu))
    assert image is not None
    assert (image.uri, image.purpose) == (f"tensorflow/tensorflow:{uri}", Purpose.GENERAL)
    assert (image.has_gpu, image.distributions["tensorflow"], image.distributions["keras"]) == (has_gpu, "2.21.0", "3")


@pytest.mark.parametrize(
    "uri",
    [
        "me/mine:latest",
        "tensorflow/tensorflow:latest",
        "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-99.py310:latest",
        "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-99:latest",
        "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-14.py310:latest@x",
    ],
)
def test_nothing_is_known_of_other_images(uri: str) -> None:
    assert known_image(uri) is None


def test_pythons_own_image_has_nothing_else() -> None:
    image = known_image(python_image("3.12.4"))
    assert image is not None
    assert (image.uri, image.python, dict(image.distributions)) == ("python:3.12", "3.12", {})
