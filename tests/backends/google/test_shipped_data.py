"""Large data of `--with`: sent once, however often the cell changes, and found by the program where it is here."""

from __future__ import annotations

import dataclasses
import os

import pytest

from mlmagic.backends.google import shipped_data
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.backends.google.shipped_data import LARGE_BYTES, divide
from mlmagic.backends.google.submission import INSTALL_WITH_DATA, Attempt, custom_job
from mlmagic.emulator.launch import Emulator
from mlmagic.spec.job import JobSpec, JobState, PackageReference
from mlmagic.spec.package import TrainerPackage
from mlmagic.testing.backends import read_log, wait_for
from mlmagic.testing.driving import make_package

PROGRAM = """import pathlib
folder = pathlib.Path(__file__).parent / "data"
print({path.name: path.stat().st_size for path in folder.iterdir()})
"""
SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d"))


def package(source: str = PROGRAM, **data: bytes) -> TrainerPackage:
    made = make_package(source)
    return dataclasses.replace(made, files={**made.files, **{f"trainer/data/{k}.npy": v for k, v in data.items()}})


def test_small_data_stays() -> None:
    whole = package(trips=b"x" * LARGE_BYTES)
    assert divide(whole) == (whole, None)


def test_large_data_is_the_same_package_whatever_the_cell_is() -> None:
    large, small = os.urandom(LARGE_BYTES + 1), b"x"
    rest, data = divide(package(trips=large, rates=small))
    _, again = divide(package("print(1)", trips=large))
    assert data is not None
    assert data == again
    assert sorted(rest.files) == ["trainer/__init__.py", "trainer/data/rates.npy", "trainer/task.py"]


@pytest.mark.parametrize("image", ["python:3.11", "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest"])
def test_both_packages_are_installed(image: str) -> None:
    attempt = Attempt(job_id="j", number=1, workspace="w", image=image, package_uri="gs://b/p", data_uri="gs://b/d")
    settings = GoogleSettings(project="my-project", region="us-central1", bucket="gs://b")
    (pool,) = custom_job(SPEC, attempt, settings)["job_spec"]["worker_pool_specs"]
    if image.startswith("python"):
        assert pool["container_spec"]["command"] == [
            *("bash", "-c", INSTALL_WITH_DATA, "/gcs/b/p", "/gcs/b/d", "trainer.task")
        ]
    else:
        assert pool["python_package_spec"]["package_uris"] == ["gs://b/p", "gs://b/d"]


@pytest.mark.slow
def test_the_program_finds_its_data(
    backend: GoogleBackend, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_data, "LARGE_BYTES", 100)
    whole = package(trips=os.urandom(101), rates=b"x")
    spec = JobSpec(display_name="exam", package=PackageReference(digest=whole.digest), args=("--epochs", "1"))
    job = backend.submit(spec, whole).id
    assert wait_for(backend, job).state is JobState.SUCCEEDED
    log = read_log(backend, job)
    assert "'trips.npy': 101" in log
    assert "'rates.npy': 1" in log
    assert len(list((emulator.buckets / emulator.bucket / "mlmagic" / "packages").iterdir())) == 2
