"""Which image a job runs in, and what does not fit it."""

from __future__ import annotations

import dataclasses

import pytest

from mlmagic.backends.google.environments import check_image, image_for, package_for
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.spec.resources import Resources, WorkerPool

OLD = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-14.py310:latest"
NEW = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest"
VERSIONS = {"python": "3.11.7", "tensorflow": "2.21.0", "keras": "3.15.1"}
HINT = "Choose another image, or one of your own: %mlmagic config google-image IMAGE"


def spec(**versions: str) -> JobSpec:
    return JobSpec(display_name="taxi", package=PackageReference(digest="d"), versions=versions)


def package(text: str = "print(1)\n", requirements: str = "") -> TrainerPackage:
    files = {"trainer/task.py": text.encode(), "requirements.txt": requirements.encode()}
    return TrainerPackage(shape=CellShape.GIVEN, files=files, digest="d")


def test_the_image_is_like_the_notebook_unless_one_is_chosen() -> None:
    gpu = Resources(worker_pools=(WorkerPool(accelerator_type="NVIDIA_TESLA_T4", accelerator_count=1),))
    with_gpu = JobSpec(display_name="taxi", package=PackageReference(digest="d"), versions=VERSIONS, resources=gpu)
    assert image_for(spec(**VERSIONS), None, python="3.12.1") == "tensorflow/tensorflow:2.21.0"
    assert image_for(with_gpu, None, python="3.12.1") == "tensorflow/tensorflow:2.21.0-gpu"
    assert image_for(spec(), None, python="3.12.1") == "python:3.12"
    assert image_for(spec(**VERSIONS), "me/mine", python="3.12.1") == "me/mine"


def test_the_pin_of_a_package_tells_its_tensorflow() -> None:
    reference = PackageReference(digest="d", requirements=("pandas==3.0.0", "tensorflow-cpu==2.20.1"))
    job = JobSpec(display_name="taxi", package=reference)
    assert image_for(job, None, python="3.11.0") == "tensorflow/tensorflow:2.20.1"


def test_python_and_tensorflow_that_differ_are_told_together() -> None:
    with pytest.raises(UsageError) as caught:
        check_image("tensorflow/tensorflow:2.19.0", spec(**VERSIONS | {"python": "3.12.3"}), package(), python="3.12.3")
    assert str(caught.value) == (
        "job 'taxi' cannot run in the image tensorflow/tensorflow:2.19.0:\n"
        "  - the notebook has Python 3.12, and the image 3.11\n"
        f"  - the notebook has TensorFlow 2.21.0, and the image 2.19.0\n{HINT}"
    )


def test_an_older_python_has_to_be_able_to_read_the_program() -> None:
    with pytest.raises(UsageError) as caught:
        check_image(NEW, spec(**VERSIONS), package("try:\n    pass\nexcept* ValueError:\n    pass\n"), python="3.11.7")
    assert "trainer/task.py" in str(caught.value)
    assert "not Python 3.10" in str(caught.value)
    check_image(NEW, spec(**VERSIONS), package("match 1:\n    case _:\n        pass\n"), python="3.11.7")


def test_an_image_without_gpus_is_no_image_for_a_tier_with_them() -> None:
    gpu = Resources(
        scale_tier="BASIC_GPU", worker_pools=(WorkerPool(accelerator_type="NVIDIA_TESLA_T4", accelerator_count=1),)
    )
    job = dataclasses.replace(spec(**VERSIONS), resources=gpu)
    with pytest.raises(UsageError) as caught:
        check_image("tensorflow/tensorflow:2.21.0", job, package(), python="3.11.7")
    assert str(caught.value) == (
        "job 'taxi' cannot run in the image tensorflow/tensorflow:2.21.0:\n  - the job (BASIC_GPU) pays for "
        f"NVIDIA_TESLA_T4, and the image's TensorFlow uses no GPU: take the image for GPUs\n{HINT}"
    )
    check_image("tensorflow/tensorflow:2.21.0-gpu", job, package(), python="3.11.7")


def test_keras_2_is_not_keras_3() -> None:
    with pytest.raises(UsageError, match=r"the notebook has Keras 3.15.1, and the image Keras 2.14"):
        check_image(OLD, spec(**VERSIONS), package(), python="3.11.7")


def test_an_image_for_predictions_trains_nothing() -> None:
    with pytest.raises(UsageError, match="it answers predictions, and trains nothing"):
        check_image("us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest", spec(), package(), python="3.11.7")
    check_image("me/mine", spec(python="2.7"), package("print 'hello'"), python="3.11.7")


def test_vertex_ais_images_keep_their_own_tensorflow() -> None:
    made = package(requirements="# pins\ntensorflow==2.21.0\nkeras==3.15.1\nNumPy==2.4.6\npandas==3.0.0\n")
    assert package_for(NEW, made).files["requirements.txt"] == b"# pins\npandas==3.0.0\n"
    assert package_for("tensorflow/tensorflow:2.21.0", made) is made
