"""A model's version gets the statistics of its dataset, and knows which of its inputs may be missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.dataset_folders import write_dataset

from mlmagic.runtime.trained_on import TrainedOn, read_trained_on
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.workspace.database import Database
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.times import from_micros

SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d"), model="taxi", dataset="taxi@1")


@pytest.fixture
def datasets(tmp_path: Path) -> DatasetStore:
    store = DatasetStore(Database(open_workspace(Workspace(tmp_path / ".mlmagic"))))
    store.register("taxi", write_dataset(tmp_path / "made"), origin=DatasetOrigin(), now=from_micros(0))
    return store


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "features.py").touch()
    return tmp_path


def test_the_statistics_are_those_of_the_dataset(datasets: DatasetStore, package: Path) -> None:
    trained = read_trained_on(SPEC, package, datasets)
    assert trained.statistics == (datasets.path(datasets.resolve("taxi@1")) / "statistics.json").read_bytes()
    assert (trained.optional, trained.remarks) == ({"distance", "fare"}, ())


def test_a_program_that_encodes_by_itself_takes_no_missing_values(datasets: DatasetStore, tmp_path: Path) -> None:
    trained = read_trained_on(SPEC, tmp_path, datasets)
    assert trained.statistics is not None
    assert trained.optional == set()


def test_without_a_dataset_there_is_nothing_to_know(datasets: DatasetStore, package: Path) -> None:
    assert read_trained_on(JobSpec(display_name="t", package=SPEC.package), package, datasets) == TrainedOn()


def test_a_dataset_that_is_gone_is_told(datasets: DatasetStore, package: Path) -> None:
    shutil.rmtree(datasets.path(datasets.resolve("taxi@1")))
    trained = read_trained_on(SPEC, package, datasets)
    assert trained.statistics is None
    assert trained.remarks == ("without the statistics of taxi@1: there is no dataset 'taxi'.",)


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "optional"),
    [
        ("distance", "float32", (None,), True),
        ("distance", "int64", (None,), True),
        ("distance", "string", (None,), True),
        ("distance", "bool", (None,), False),
        ("distance", "float32", (None, 1), False),
        ("speed", "float32", (None,), False),
    ],
)
def test_inputs_that_are_columns_may_be_missing(
    name: str, dtype: str, shape: tuple[int | None, ...], *, optional: bool
) -> None:
    signature = Signature(inputs=(TensorSpec(name=name, dtype=dtype, shape=shape),))
    marked = TrainedOn(optional=frozenset({"distance"})).mark(signature)
    assert marked is not None
    assert [tensor.optional for tensor in marked.inputs] == [optional]
    assert TrainedOn().mark(None) is None
