"""Datasets of this machine under jobs in Google Cloud: uploaded once, and read from the bucket."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.backends.google.training_inputs import dataset_folder, remote_args
from mlmagic.backends.google.uploads import Uploader
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import NotFoundError
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.job import JobKind, JobSpec, JobState, PackageReference
from mlmagic.testing.backends import read_log, submit, wait_for
from mlmagic.workspace.layout import Workspace

SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d"), dataset="taxi@1")
PROGRAM = (
    "import pathlib, sys\nprint(sys.argv[1:], sorted(path.name for path in pathlib.Path(sys.argv[2]).iterdir()))\n"
)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "datasets" / "taxi" / "1"
    (folder / "rejected").mkdir(parents=True)
    (folder / "rejected" / "rejected.jsonl").write_text("{}")
    for name in ("schema.json", "train-00000-of-00001.parquet"):
        (folder / name).write_text(f"{name} of {tmp_path}")
    return folder


def test_a_job_reads_its_dataset_from_the_bucket(backend: GoogleBackend, emulator: Emulator, dataset: Path) -> None:
    args = ("--data", str(dataset), "--epochs", "1")
    job = submit(backend, PROGRAM, args=args).id
    assert wait_for(backend, job).state is JobState.SUCCEEDED
    log = read_log(backend, job)
    assert f"{emulator.buckets / emulator.bucket}/mlmagic/data/" in log
    assert "'--epochs', '1'] ['schema.json', 'train-00000-of-00001.parquet']" in log
    assert backend.get(job).spec.args == args


def test_a_dataset_of_dataflow_is_read_where_it_was_written(
    emulator: Emulator, workspace: Workspace, dataset: Path
) -> None:
    uploader = Uploader(GoogleClient(emulator_settings(emulator.root)), workspace)
    place = "mlmagic/jobs/taxi/model"
    (dataset / "origin.json").write_text(dumps(DatasetOrigin(location=f"gs://{emulator.bucket}/{place}")))
    spec = dataclasses.replace(SPEC, args=("--data", str(dataset)))
    assert "/mlmagic/data/" in remote_args(spec, uploader)[1]  # it is not there any more
    shutil.copytree(dataset, emulator.buckets / emulator.bucket / place)
    assert remote_args(spec, uploader) == ("--data", f"/gcs/{emulator.bucket}/{place}")


def test_other_arguments_stay(emulator: Emulator, workspace: Workspace, dataset: Path) -> None:
    uploader = Uploader(GoogleClient(emulator_settings(emulator.root)), workspace)
    for args in ((), ("--data",), ("--data", "/gcs/b/x"), ("--data", "x"), ("--epochs", "--data", str(dataset))):
        assert remote_args(dataclasses.replace(SPEC, args=args), uploader) == args
    other = dataclasses.replace(SPEC, dataset=None, args=("--data", str(dataset.parent)))
    assert remote_args(other, uploader) == other.args
    assert dataset_folder(dataclasses.replace(SPEC, kind=JobKind.PREPROCESSING, args=("--data", str(dataset)))) is None


def test_a_dataset_that_was_deleted(emulator: Emulator, workspace: Workspace, tmp_path: Path) -> None:
    uploader = Uploader(GoogleClient(emulator_settings(emulator.root)), workspace)
    spec = dataclasses.replace(SPEC, args=("--data", str(tmp_path / "gone")))
    with pytest.raises(NotFoundError, match=r"taxi@1, which the job is to train on, is not on this machine any more\."):
        remote_args(spec, uploader)
