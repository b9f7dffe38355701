"""The batches that a model is trained on: each row once in a pass, always the same ones, divided between workers."""

from __future__ import annotations

import importlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.ride_shards import rides, write_rides
from support.trainer_process import TrainerProcess, load_trainer

from mlmagic.api.training import plan_training
from mlmagic.session import Session

ROWS = {"train": 1000, "eval": 130, "test": 1}
KEPT = True
CELL = "import keras\ndef build_model(features): pass"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerProcess]:
    process = TrainerProcess(tmp_path_factory.mktemp("log") / "log")
    yield process
    process.end()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of a thousand rows in three shards with row groups of 90."""
    return write_rides(tmp_path_factory.mktemp("rides"), rows=ROWS, group=90)


@pytest.fixture(scope="module")
def package(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_package(data, tmp_path_factory.mktemp("package") / "package")


@pytest.fixture(scope="module")
def by_payment(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that learns how people pay."""
    folder = tmp_path_factory.mktemp("by-payment")
    complete = write_rides(folder / "data", rows=ROWS, group=90, may_miss=False)
    return make_package(complete, folder / "package", target="payment")


def make_package(data: Path, folder: Path, target: str | None = None) -> Path:
    session = Session(environ={"MLMAGIC_HOME": str(folder.parent / "home")})
    plan_training("rides", source=CELL, data=str(data), target=target, session=session).export(folder)
    return folder


# What the process with TensorFlow does.


def load(package: Path, *, kept: bool):
    features = load_trainer(package).make_features()
    inputs = importlib.import_module("trainer.input")
    inputs.MEMORY, inputs.WINDOW = (2**28, 2**25) if kept else (0, 4000)
    return features, inputs


def training(
    package: Path,
    data: Path,
    *,
    kept: bool,
    batch_size: int = 64,
    seed: int = 1,
    sample: float = 1.0,
    **options: object,
):
    features, inputs = load(package, kept=kept)
    return inputs.Training(inputs.Split(str(data), "train", features, sample), batch_size, seed, **options)


def fares(batches, count: int) -> np.ndarray:
    """The targets of the first rows that batches have: no two rows have the same."""
    found: list[np.ndarray] = []
    for _, fare in batches:
        found.append(fare.numpy()[:, 0])
        if sum(map(len, found)) >= count:
            break
    return np.concatenate(found)[:count]


def in_passes(package: Path, data: Path, kept: bool, seed: int, *positions: int) -> np.ndarray:
    """The targets of some passes from an epoch on."""
    import tensorflow as tf

    epoch, passes = positions
    batches = training(package, data, kept=kept, seed=seed)(epoch, tf.distribute.InputContext())
    return fares(batches, passes * ROWS["train"])


def of_worker(package: Path, data: Path, kept: bool, worker: int, workers: int) -> np.ndarray:
    import tensorflow as tf

    batches = training(package, data, kept=kept, workers=workers)(0, tf.distribute.InputContext(workers, worker))
    return fares(batches, len(shares(package, data, workers)[worker]))


def of_sample(package: Path, data: Path, sample: float, seed: int, workers: int) -> np.ndarray:
    """The targets of a pass over a part of the rows, of all workers together."""
    import tensorflow as tf

    made = training(package, data, kept=KEPT, batch_size=1, seed=seed, sample=sample, workers=workers)
    contexts = [tf.distribute.InputContext(workers, worker) for worker in range(workers)]
    counts = [sum(piece.rows for piece in made.split.shards.share(worker, workers)) for worker in range(workers)]
    parts = [fares(made(0, context), count) for context, count in zip(contexts, counts, strict=True)]
    return np.concatenate(parts)


def shares(package: Path, data: Path, count: int) -> list[list[tuple[str, int]]]:
    """The rows that each of several readers reads, as file and number within the file."""
    load_trainer(package)
    shards = importlib.import_module("trainer.shards").Shards(str(data), "train")
    return [
        [
            (piece.path, piece.group, row)
            for piece in shards.share(number, count)
            for row in range(piece.start, piece.stop)
        ]
        for number in range(count)
    ]


def evaluated(package: Path, data: Path, kept: bool, split: str) -> tuple[list[int], np.ndarray]:
    features, inputs = load(package, kept=kept)
    batches = [fare.numpy()[:, 0] for _, fare in inputs.Split(str(data), split, features).batches(50)]
    return [len(batch) for batch in batches], np.concatenate(batches)


def written(package: Path, data: Path, worker: int, rows: int, folder: str) -> np.ndarray:
    """What a worker of parameter servers sees of the files that it wrote."""
    import os

    import tensorflow as tf

    os.environ["AIP_CHECKPOINT_DIR"] = folder
    batches = training(package, data, kept=False, workers=2)
    batches.write(worker)
    return fares(batches.from_files(0, tf.constant(worker, tf.int64)), rows)


def steps(package: Path, data: Path, **options: object) -> tuple[int, int, int]:
    made = training(package, data, kept=True, **options)
    return made.batch_size, made.at_once, made.steps


def executions(package: Path, most: int) -> list[tuple[int, int]]:
    _, inputs = load(package, kept=True)
    return [(inputs.at_once(count), inputs.divisor(count)) for count in range(1, most)]


def peak(package: Path, data: Path, rows: int) -> int:
    """Megabytes that reading all rows took at most, over what importing took."""
    import tensorflow as tf

    _, inputs = load(package, kept=False)
    inputs.WINDOW = 2**20
    split = inputs.Split(str(data), "train", load_trainer(package).make_features())
    batches = inputs.Training(split, 1024, 0)(0, tf.distribute.InputContext())
    for _ in batches.take(8):
        pass
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in batches.take(rows // 1024):
        pass
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


# The tests.


def all_fares(data: Path, split: str = "train") -> np.ndarray:
    tables = [pq.read_table(path, columns=["fare"]) for path in sorted(data.glob(f"{split}-*.parquet"))]
    return pa.concat_tables(tables)["fare"].to_numpy().astype("float32")


@pytest.mark.parametrize("kept", [True, False])
def test_each_pass_has_each_row_once_in_another_order(process, package, data, *, kept: bool) -> None:
    first, second = process.call(in_passes, package, data, kept, 1, 0, 2).reshape(2, -1)
    expected = np.sort(all_fares(data))
    assert np.array_equal(np.sort(first), expected)
    assert np.array_equal(np.sort(second), expected)
    assert not np.array_equal(first, second)
    # Shuffled: hardly any row is where it was in the files.
    assert np.mean(first == all_fares(data)) < 0.02


@pytest.mark.parametrize("kept", [True, False])
def test_an_epoch_is_the_same_wherever_a_run_begins(process, package, data, *, kept: bool) -> None:
    unbroken = process.call(in_passes, package, data, kept, 1, 0, 4)
    epoch = 15 * 64  # rows of an epoch: 15 whole batches of a thousand rows
    for number in (1, 2):
        begun = process.call(in_passes, package, data, kept, 1, number, 1)
        assert np.array_equal(begun, unbroken[number * epoch : number * epoch + 1000])
    assert not np.array_equal(process.call(in_passes, package, data, kept, 2, 0, 4), unbroken)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40, 999, 1000])
def test_workers_share_all_rows_evenly_and_none_twice(process, package, data, count: int) -> None:
    parts = process.call(shares, package, data, count)
    rows = [row for part in parts for row in part]
    assert len(rows) == len(set(rows)) == ROWS["train"]
    assert {len(part) for part in parts} <= {ROWS["train"] // count, -(-ROWS["train"] // count)}


@pytest.mark.parametrize("kept", [True, False])
def test_workers_see_what_is_theirs(process, package, data, *, kept: bool) -> None:
    parts = [process.call(of_worker, package, data, kept, worker, 3) for worker in range(3)]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.sort(all_fares(data)))


@pytest.mark.parametrize(("sample", "rows"), [(0.1, 100), (0.333, 333), (0.9995, 1000), (0.001, 1)])
def test_a_sample_is_always_of_the_same_rows(process, package, data, sample: float, rows: int) -> None:
    first = process.call(of_sample, package, data, sample, 1, 1)
    assert len(np.unique(first)) == len(first) == rows
    assert np.isin(first, all_fares(data)).all()
    another = process.call(of_sample, package, data, sample, 2, 1 if rows == 1 else 3)
    assert np.array_equal(np.sort(another), np.sort(first))


def test_a_sample_is_of_all_row_groups(process, package, data) -> None:
    found = np.isin(all_fares(data), process.call(of_sample, package, data, 0.5, 1, 1))
    assert all(30 < part.sum() < 70 for part in np.split(found, 10))
    with pytest.raises(AssertionError, match=r"train has so few rows that 0.0001 of them are none\."):
        process.call(of_sample, package, data, 0.0001, 1, 1)


@pytest.mark.parametrize("kept", [True, False])
def test_a_split_is_evaluated_whole_and_in_order(process, package, data, *, kept: bool) -> None:
    sizes, found = process.call(evaluated, package, data, kept, "eval")
    assert sizes == [50, 50, 30]
    assert np.array_equal(found, all_fares(data, "eval"))


def test_workers_of_parameter_servers_see_what_they_wrote(process, package, data, tmp_path) -> None:
    parts = [process.call(written, package, data, worker, 500, str(tmp_path)) for worker in (0, 1)]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.sort(all_fares(data)))
    assert len(list((tmp_path / "rows" / "worker-1").iterdir())) > 6


def test_an_epoch_is_a_pass_in_whole_executions(process, package, data) -> None:
    assert process.call(steps, package, data) == (64, 15, 15)
    assert process.call(executions, package, 3)[1] == (2, 2)
    for count, (at_once, divisor) in enumerate(process.call(executions, package, 2000), start=1):
        assert 1 <= at_once <= 32
        assert count % at_once <= count / 32
        assert count % divisor == 0


def test_few_rows_make_one_batch(process, package, tmp_path: Path) -> None:
    data = write_rides(tmp_path, rows={"train": 5, "eval": 0, "test": 0}, shards=1)
    assert len(np.unique(process.call(in_passes, package, data, KEPT, 1, 0, 1)[:5])) == 5
    with pytest.raises(AssertionError, match="5 rows for 6 workers"):
        process.call(of_worker, package, data, KEPT, 0, 6)


def test_no_split_is_read_without_a_part_of_it(process, package, tmp_path: Path) -> None:
    data = write_rides(tmp_path / "data", rows={"train": 9, "eval": 0, "test": 0}, shards=3)
    (data / "train-00001-of-00003.parquet").unlink()
    with pytest.raises(AssertionError, match=f"{data} has 2 of 3 files with rows to train"):
        process.call(shares, package, data, 1)


def test_what_training_does_not_know_is_left_out_of_the_evaluation(process, by_payment, tmp_path: Path) -> None:
    table = rides(100, first=0)
    payment = pa.array(["cheque"] * 30 + ["cash"] * 70)
    table = table.set_column(table.schema.get_field_index("payment"), "payment", payment)
    for split in ("train", "eval"):
        pq.write_table(table, tmp_path / f"{split}-00000-of-00001.parquet")
    sizes, classes = process.call(evaluated, by_payment, tmp_path, KEPT, "eval")
    assert sum(sizes) == 70
    assert set(classes) == {0}
    with pytest.raises(AssertionError, match="payment has classes in 30 rows that the features do not know"):
        process.call(in_passes, by_payment, tmp_path, KEPT, 1, 0, 1)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (rides(9).drop_columns(["miles"]), "has no column miles: the program was made for another dataset."),
        (rides(9).set_column(6, "fare", pa.array([None] * 9, pa.float64())), "The target fare is missing in 9 rows of"),
        (rides(0), "The dataset has no rows to train: no train-"),
    ],
)
def test_another_dataset_is_told_from_the_one_that_it_was_made_for(process, package, table, told, tmp_path) -> None:
    pq.write_table(table, tmp_path / "train-00000-of-00001.parquet")
    with pytest.raises(AssertionError, match=told):
        process.call(in_passes, package, tmp_path, KEPT, 1, 0, 1)


@pytest.mark.slow
def test_rows_that_are_not_kept_take_no_more_memory_the_more_there_are(package, tmp_path: Path) -> None:
    data = write_rides(tmp_path / "data", rows={"train": 65_536, "eval": 0, "test": 0}, shards=1, group=16_384)
    first = data / "train-00000-of-00001.parquet"
    for number in range(1, 32):
        (data / f"train-{number:05d}-of-00032.parquet").hardlink_to(first)
    process = TrainerProcess(tmp_path / "log")
    try:
        assert process.call(peak, package, data, 32 * 65_536) < 60  # of 80 MB that the codes of all rows would take
    finally:
        process.end()
