"""What preprocessing made becomes a dataset's version, and the record says which."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.dataset_folders import COLUMNS, write_dataset
from support.queued import Jobs

from mlmagic.runtime.preprocessed import made_version
from mlmagic.spec import codec
from mlmagic.spec.dataset import DatasetSchema, DatasetVersion
from mlmagic.spec.job import ExitRecord, JobKind, JobRecord, JobState
from mlmagic.spec.statistics import RowCounts
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.layout import JobFolder

Supervise = Callable[..., JobRecord]
COPY = "import os, shutil\nshutil.copytree({!r}, os.environ['AIP_MODEL_DIR'], dirs_exist_ok=True)\n"
LINE = "taxi@1: 7 rows (train 5 · eval 2 · test 0), 1 rejected"


@pytest.fixture
def preprocess(jobs: Jobs, tmp_path: Path) -> Callable[..., JobFolder]:
    """Make a job whose program writes a dataset, and then does something else."""
    made = write_dataset(tmp_path / "made")

    def make(then: str = "", **fields: object) -> JobFolder:
        source = COPY.format(str(made)) + then
        return jobs.make(source, **{"kind": JobKind.PREPROCESSING, "dataset": "taxi", **fields})

    return make


def test_a_dataset_from_program_to_version(
    jobs: Jobs, preprocess: Callable[..., JobFolder], supervise: Supervise
) -> None:
    folder = preprocess()
    record = supervise(folder)
    assert (record.state, record.dataset_version, record.model_version) == (JobState.SUCCEEDED, "taxi@1", None)
    assert record.message == LINE
    assert folder.log().read_text() == f"mlmagic: {LINE}\n"
    version = DatasetStore(jobs.database).resolve("taxi")
    assert (version.origin.job_id, version.origin.package_digest) == (folder.id, record.spec.package.digest)
    assert folder.model_dir.samefile(DatasetStore(jobs.database).path(version))


def test_its_origin_keeps_the_cell_and_the_flags(
    jobs: Jobs, preprocess: Callable[..., JobFolder], supervise: Supervise
) -> None:
    folder = preprocess(args=("--target", "fare"))
    folder.cell.parent.mkdir()
    folder.cell.write_text("def clean(batch): ...\n")
    supervise(folder)
    jobs.store.delete(folder.id)
    origin = DatasetStore(jobs.database).resolve("taxi").origin
    assert (origin.cell, origin.args) == ("def clean(batch): ...\n", ("--target", "fare"))


def test_it_says_how_many_rows_clean_left_out() -> None:
    schema = DatasetSchema(columns=COLUMNS, rows={"train": 12})
    version = DatasetVersion(dataset="taxi", number=1, create_time=datetime.now(UTC), schema=schema)
    ending = made_version(version, RowCounts(read=1012, written=12, removed=1000))
    assert ending.message == "taxi@1: 12 rows (train 12), 1,000 removed by clean"


def test_its_rows_are_its_metrics(preprocess: Callable[..., JobFolder], supervise: Supervise) -> None:
    folder = preprocess()
    supervise(folder)
    written = codec.loads(ExitRecord, folder.exit.read_bytes())
    assert written.dataset_version == "taxi@1"
    assert written.metrics == {
        "rows": 7.0,
        "rows_rejected": 1.0,
        "rows_train": 5.0,
        "rows_eval": 2.0,
        "rows_test": 0.0,
    }


def test_a_pipeline_that_ran_elsewhere_leaves_nothing_here(jobs: Jobs, supervise: Supervise) -> None:
    fields = {"kind": JobKind.PREPROCESSING, "dataset": "taxi", "args": ("--runner", "dataflow")}
    record = supervise(jobs.make("print('submitted')\n", **fields))
    assert (record.state, record.dataset_version) == (JobState.SUCCEEDED, None)
    assert record.message == "no dataset was written to AIP_MODEL_DIR, so no version was made"


def test_without_a_dataset_it_has_failed(jobs: Jobs, supervise: Supervise) -> None:
    record = supervise(jobs.make("print('made')\n", kind=JobKind.PREPROCESSING, dataset="taxi"))
    assert (record.state, record.exit_code) == (JobState.FAILED, 0)
    assert record.error is not None
    assert record.error.message == "no dataset was written to AIP_MODEL_DIR, so no version was made"


def test_half_a_dataset_becomes_no_version(
    jobs: Jobs, preprocess: Callable[..., JobFolder], supervise: Supervise
) -> None:
    folder = preprocess("os.remove(os.environ['AIP_MODEL_DIR'] + 'schema.json')\n")
    record = supervise(folder)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.message == (
        "the program succeeded, but its dataset could not be registered: "
        f"{folder.model_dir} holds no whole dataset: there is no schema.json."
    )
    assert record.error.hint == f"What the program wrote is in {folder.model_dir}."
    assert DatasetStore(jobs.database).list() == []


def test_a_link_that_leads_out_is_refused(preprocess: Callable[..., JobFolder], supervise: Supervise) -> None:
    folder = preprocess("os.symlink('/etc/passwd', os.environ['AIP_MODEL_DIR'] + 'more')\n")
    record = supervise(folder)
    assert record.error is not None
    assert record.error.message == (
        "the program succeeded, but what it wrote cannot become a version: more leads out of it by a link"
    )


def test_a_second_attempt_begins_with_an_empty_folder(
    preprocess: Callable[..., JobFolder], supervise: Supervise
) -> None:
    folder = preprocess("raise SystemExit(os.environ['CLOUD_ML_JOB_ID'] and 1)\n", max_retries=1)
    assert supervise(folder).state is JobState.QUEUED
    (folder.model_dir / "more.txt").touch()
    supervise(folder)
    assert not (folder.model_dir / "more.txt").exists()
    assert (folder.model_dir / "schema.json").exists()


def test_a_cancel_makes_no_version(
    jobs: Jobs, preprocess: Callable[..., JobFolder], supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.runtime.claim.Claim.is_cancelled", lambda _: True)
    record = supervise(preprocess())
    assert (record.state, record.dataset_version) == (JobState.CANCELLED, None)
    assert DatasetStore(jobs.database).list() == []


REJECTED = """
import sys
sys.path.insert(0, {folder!r})
from preprocessor.errors import MlmagicError
raise MlmagicError("12 of 100 rows were rejected: more than --max-rejected 1% allows.",
    problems=["12 times fare: not a number", "such as rides.csv:7: fare: 'x' is not a number"],
    hint="Mend or leave out such rows in clean, or raise --max-rejected.")
"""


def test_too_many_rejected_rows_are_told_with_samples(jobs: Jobs, supervise: Supervise, tmp_path: Path) -> None:
    import mlmagic.errors

    (tmp_path / "preprocessor").mkdir()
    (tmp_path / "preprocessor" / "errors.py").write_text(Path(mlmagic.errors.__file__).read_text())
    source = REJECTED.format(folder=os.fspath(tmp_path))
    record = supervise(jobs.make(source, kind=JobKind.PREPROCESSING, dataset="taxi"))
    assert record.error is not None
    assert json.loads(json.dumps(codec.encode(record.error))) == {
        "message": "12 of 100 rows were rejected: more than --max-rejected 1% allows.",
        "details": "  - 12 times fare: not a number\n  - such as rides.csv:7: fare: 'x' is not a number",
        "hint": "Mend or leave out such rows in clean, or raise --max-rejected.",
    }
