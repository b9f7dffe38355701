"""A cell with build_model is trained on a dataset: killed at any point, it ends as if it was not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.ride_shards import write_rides
from training.conftest import Replica, Training

from mlmagic.api.training import plan_training
from mlmagic.runtime.scalars import curves
from mlmagic.session import Session

STEPS = ["--batch-size", "64", "--epochs", "3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rides(tmp_path_factory.mktemp("rides"))


@pytest.fixture(scope="module")
def package(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package built from rides_cell.py."""
    source = Path(__file__).with_name("rides_cell.py").read_text()
    folder = tmp_path_factory.mktemp("package") / "package"
    session = Session(environ={"MLMAGIC_HOME": str(folder.parent / "home")})
    plan_training("rides", source=source, data=str(data), session=session).export(folder)
    return folder


@pytest.fixture
def new_job(package: Path, data: Path, tmp_path: Path) -> Iterator[Callable[[str], ManagedTraining]]:
    jobs: list[ManagedTraining] = []

    def make(name: str) -> ManagedTraining:
        jobs.append(ManagedTraining(package, tmp_path / name, data))
        return jobs[-1]

    yield make
    for job in jobs:
        job.end()


@pytest.fixture
def job(new_job) -> ManagedTraining:
    return new_job("job")


@pytest.fixture
def another(new_job) -> ManagedTraining:
    """A second job, which nobody kills."""
    return new_job("another")


class ManagedTraining(Training):
    """A job's folder in which the package is trained on one dataset."""

    def __init__(self, package: Path, folder: Path, data: Path) -> None:
        super().__init__(package, folder)
        self.data = data

    def start(self, *args: str, **options: object):
        return super().start("--data", str(self.data), *args, **options)

    def state(self) -> bytes:
        """All that the newest checkpoint holds: weights, the optimizer, seeds, and the metrics so far."""
        names = (self.checkpoints / "checkpoint").read_text().splitlines()
        newest = json.loads(names[0].partition(": ")[2])
        return (self.checkpoints / f"{newest}.data-00000-of-00001").read_bytes()

    def metrics(self) -> dict[str, float]:
        """The last line of the chief's log."""
        line = self.log().rpartition("Final metrics: ")[2].splitlines()[0]
        return {name: float(value) for name, value in (part.split("=") for part in line.split(", "))}


def test_it_trains_evaluates_and_exports(job) -> None:
    flags = ["--epochs", "2", "--test=true", "--units", "8", "--nbuckets", "4", "--sample=0.5"]
    assert list(job.run(*flags).values()) == [0]
    assert {"loss", "mae", "val_loss", "val_mae", "test_loss", "test_mae"} == set(job.metrics())
    assert {name: len(points) for name, points in curves(job.logs).items() if "loss" in name}["val_loss"] == 2
    assert list(job.measured("val_loss")) == [1, 2]
    assert list(job.measured("test_loss")) == [2]
    assert (job.model / "saved_model.pb").exists()


@pytest.mark.parametrize("kept", ["", pytest.param("1", marks=pytest.mark.slow)], ids=["rows kept", "rows read again"])
def test_a_killed_job_ends_with_the_same_bits(job, another, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_AGAIN", kept)
    another.run(*STEPS)
    job.run(*STEPS, kill="step 1.30")
    job.run(*STEPS, kill="write 2")
    assert list(job.run(*STEPS).values()) == [0]
    assert job.state() == another.state()
    assert job.log().count("Epoch 2/3") == 3


def test_what_cannot_be_is_told_before_anything_is_trained(job, package: Path, tmp_path: Path) -> None:
    job.data = write_rides(tmp_path / "few", rows={"train": 20, "eval": 5, "test": 0}, shards=1)
    assert list(job.run("--test").values()) == [1]
    assert job.log().splitlines()[-1] == f"{job.data} has no rows to test."
    assert list(job.run("--epochs", "0", "--batch-size", "-1", "--sample", "1.5").values()) == [1]
    assert job.log().splitlines()[-2:] == [
        "--epochs 0 and --batch-size -1: at least 1.",
        "--sample 1.5: more than 0, and at most 1.",
    ]


@pytest.mark.slow
def test_one_machine_workers_and_parameter_servers_learn_the_same(job, another, new_job) -> None:
    served, args = new_job("served"), ["--epochs", "8", "--dropout", "0", "--rate", "0.03"]
    # Workers take a step together, each with its part of the rows of one.
    assert set(another.run(*args, "--batch-size", "80").values()) == {0}
    assert set(job.run(*args, "--batch-size", "40", worker=1).values()) == {0}
    assert set(served.run(*args, "--batch-size", "80", worker=2, ps=1).values()) == {0}
    alone, together, parts = (each.metrics()["val_loss"] for each in (another, job, served))
    assert alone < 4  # where the mean of all fares has about 70
    assert together == pytest.approx(alone, rel=0.1)
    assert parts == pytest.approx(alone, rel=0.2)


@pytest.mark.slow
def test_every_process_of_a_cluster_has_its_part(job) -> None:
    assert set(job.run("--epochs", "2", "--batch-size", "25", worker=2, ps=1).values()) == {0}
    counts = re.search(
        r"^worker-0 took (\d+) steps, worker-1 took (\d+) steps, ps-0 kept (\d+) variables$", job.log(), re.MULTILINE
    )
    assert counts is not None, job.log()
    first, second, variables = map(int, counts.groups())
    assert first + second == 2 * 160
    assert min(first, second) > 16
    assert variables > 3
    assert not (job.checkpoints / "rows" / "worker-0").exists()


@pytest.mark.slow
def test_killed_workers_end_with_the_same_bits(job, another) -> None:
    worker = Replica("worker", 0)
    another.run(*STEPS, worker=1)
    job.run(*STEPS, worker=1, kill={worker: "step 1.20"})
    assert set(job.run(*STEPS, worker=1).values()) == {0}
    assert job.state() == another.state()
