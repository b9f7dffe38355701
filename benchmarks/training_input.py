"""Batches of a million rides for a model: Parquet as a trainer package reads it, beside other ways to feed Keras.

Each measurement is a process of its own: it makes its dataset, iterates over a pass, and trains for one, after a pass
that is not counted. Making the dataset is not counted either: what is kept in memory was read before.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmagic.spec import codec
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.statistics import DatasetStatistics, RowCounts

if TYPE_CHECKING:
    import pyarrow as pa

ROWS, SHARDS, GROUP = 1_000_000, 16, 65_536
BATCH, ROUNDS = 512, 5
NUMBERS = [f"x{number}" for number in range(6)]
TEXTS = {"payment": 20, "zone": 300}
WORDS = {name: [f"{name}-{number}" for number in range(count)] for name, count in TEXTS.items()}

LIMIT, PARQUET, AGAIN = "in memory, gathered (limit)", "Parquet, kept", "Parquet, read again"
RECORDS, SLICES, CSV = "TFRecord, parse_example", "from_tensor_slices.shuffle", "make_csv_dataset"
# The slow ones are measured on fewer rows.
ROWS_OF = {LIMIT: ROWS, PARQUET: ROWS, AGAIN: ROWS, RECORDS: 250_000, SLICES: 250_000, CSV: 100_000}

CELL = """
import keras
def build_model(features):
    x = keras.layers.Dense(64, activation="relu")(features.get_encoded_features())
    model = keras.Model(features.get_inputs(), keras.layers.Dense(1)(x))
    model.compile("adam", "mse")
    return model
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Thousands of rows a second, and a CPU second, that were iterated over and that a model was fitted to."""

    iterated: float
    iterated_cpu: float
    fitted: float
    fitted_cpu: float


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"\n{ROWS:,} rides are written in each of the formats")
        _write(folder)
        rates: dict[str, list[Rates]] = {variant: [] for variant in ROWS_OF}
        for _ in range(ROUNDS):
            for variant, taken in rates.items():
                taken.append(_measure(variant, folder))
    _print(rates)


def _measure(variant: str, folder: Path) -> Rates:
    paths = (str(folder / "package"), str(Path(__file__).resolve().parent.parent))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(paths)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "benchmarks.training_input", variant, str(folder)]
    told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Rates(**json.loads(told.stdout.splitlines()[-1]))


def _print(rates: dict[str, list[Rates]]) -> None:
    print(f"\nTraining input, batches of {BATCH}")
    print("  goal: Parquet at least 85 % of the limit")
    print(
        f"  medians of {ROUNDS} interleaved rounds, each a process of its own; thousands of rows, minimum in brackets\n"
    )
    columns = ("iterated /s", "/CPU s", "fitted /s", "/CPU s")
    print(f"  {'':28}" + "".join(f"{column:>18}" for column in columns))
    for variant, taken in rates.items():
        print(f"  {variant:28}" + "".join(f"{_told([getattr(one, field) for one in taken]):>18}" for field in _FIELDS))
    for field in _FIELDS:
        limit, own = (statistics.median(getattr(one, field) for one in rates[name]) for name in (LIMIT, PARQUET))
        print(f"\n  {PARQUET} / limit, {field}: {own / limit:.0%}", end="")
    print()


_FIELDS = ("iterated", "iterated_cpu", "fitted", "fitted_cpu")


def _told(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f})"


# Writing


def _rides(rows: int, seed: int) -> pa.Table:
    import pyarrow as pa

    chance = np.random.default_rng(seed)
    numbers = {name: chance.normal(number, 1 + number, rows) for number, name in enumerate(NUMBERS)}
    texts = {name: chance.choice(words, rows) for name, words in WORDS.items()}
    fare = sum(values * 0.1 for values in numbers.values()) + chance.normal(0, 0.1, rows)
    return pa.table(
        {**numbers, **{name: pa.array(text).dictionary_encode() for name, text in texts.items()}, "fare": fare}
    )


def _write(folder: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet as pq

    from mlmagic.api.training import plan_training
    from mlmagic.session import Session
    from mlmagic.statistics.accumulator import SplitAccumulator

    columns = tuple(
        Column(name=name, type=ColumnType.STRING if name in TEXTS else ColumnType.FLOAT)
        for name in [*NUMBERS, *TEXTS, "fare"]
    )
    counts, data = SplitAccumulator(columns), folder / "data"
    data.mkdir()
    for shard in range(SHARDS):
        table = _rides(ROWS // SHARDS, shard)
        pq.write_table(
            table, data / f"train-{shard:05d}-of-{SHARDS:05d}.parquet", row_group_size=GROUP, compression="zstd"
        )
        for batch in table.to_batches():
            counts.add(batch)
        if (shard + 1) * ROWS // SHARDS <= max(ROWS_OF[RECORDS], ROWS_OF[CSV]):
            pyarrow.csv.write_csv(table, folder / f"{shard:05d}.csv")
    declared = dict.fromkeys(NUMBERS, "numeric") | {
        name: {"type": "categorical", "vocabulary": count, "embedding": 8} for name, count in TEXTS.items()
    }
    schema = DatasetSchema(columns=columns, target="fare", features=declared, rows={"train": ROWS})
    known = DatasetStatistics(splits={"train": counts.result()}, rows=RowCounts(read=ROWS, written=ROWS))
    (data / "schema.json").write_text(codec.dumps(schema))
    (data / "statistics.json").write_text(codec.dumps(known))
    session = Session(environ={"MLMAGIC_HOME": str(folder / "home")})
    plan_training("rides", source=CELL, data=data, session=session).export(folder / "package")
    _measure(RECORDS, folder)  # writes its records


# Measuring, in a process of its own


def _one(variant: str, folder: Path) -> Rates:
    import keras

    features = _part("features").make_features()
    rows = ROWS_OF[variant]
    batches = _DATASETS[variant](folder, features, rows)
    iterated = _timed(lambda: _exhaust(batches, rows), rows)
    keras.utils.set_random_seed(1)
    model = _part("model").build_model(features)
    model.steps_per_execution = 32
    steps = rows // BATCH // 32 * 32
    history = _Passes(rows=steps * BATCH)
    model.fit(batches.repeat(), steps_per_epoch=steps, epochs=2, verbose=0, callbacks=[history.callback()])
    return Rates(*iterated, *history.rates())


def _part(name: str) -> Any:
    """Return a module of the package that was made of the cell."""
    return importlib.import_module(f"trainer.{name}")


def _timed(work: Callable[[], object], rows: int) -> tuple[float, float]:
    """Do the work twice, and return thousands of rows a second and a CPU second of the second time."""
    work()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return rows / (time.perf_counter() - wall) / 1000, rows / (time.process_time() - cpu) / 1000


def _exhaust(batches: Any, rows: int) -> None:
    for _ in batches.take(rows // BATCH):
        pass


class _Passes:
    """When the second of two epochs began and ended."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.times: list[tuple[float, float]] = []

    def callback(self) -> Any:
        import keras

        note = lambda *_: self.times.append((time.perf_counter(), time.process_time()))  # noqa: E731
        return keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)

    def rates(self) -> tuple[float, float]:
        (begin, begin_cpu), (end, end_cpu) = self.times[-2:]
        return self.rows / (end - begin) / 1000, self.rows / (end_cpu - begin_cpu) / 1000


def _from_parquet(folder: Path, features: Any, rows: int) -> Any:  # noqa: ARG001
    import tensorflow as tf

    inputs = _part("input")
    split = inputs.Split(str(folder / "data"), "train", features)
    return inputs.Training(split, BATCH, 0)(0, tf.distribute.InputContext())


def _read_again(folder: Path, features: Any, rows: int) -> Any:
    _part("input").MEMORY = 0
    return _from_parquet(folder, features, rows)


def _encoded(folder: Path, features: Any, rows: int) -> tuple[dict[str, Any], Any]:
    """All codes as arrays, encoded beforehand."""
    inputs = _part("input")
    split = inputs.Split(str(folder / "data"), "train", features)
    codes, target = split.to_batch(split.keep(split.shards.pieces))
    return {name: code[:rows] for name, code in codes.items()}, target[:rows]


def _limit(folder: Path, features: Any, rows: int) -> Any:
    """Shuffled numbers, and a gather for each column: what Keras itself does with arrays."""
    import tensorflow as tf

    codes, target = _encoded(folder, features, rows)
    numbers = tf.data.Dataset.counter().flat_map(
        lambda seed: tf.data.Dataset.from_tensors(
            tf.random.experimental.stateless_shuffle(tf.range(rows), seed=tf.stack([seed, seed]))
        )
    )
    gathered = numbers.rebatch(BATCH, drop_remainder=True).map(
        lambda those: ({name: tf.gather(code, those) for name, code in codes.items()}, tf.gather(target, those)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return gathered.prefetch(tf.data.AUTOTUNE)


def _from_slices(folder: Path, features: Any, rows: int) -> Any:
    import tensorflow as tf

    slices = tf.data.Dataset.from_tensor_slices(_encoded(folder, features, rows))
    return slices.shuffle(10_000).repeat().batch(BATCH, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def _with_target(features: Any) -> Callable[[dict[str, Any]], tuple[dict[str, Any], Any]]:
    def split(raw: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        target = raw.pop("fare")
        return features.encode(raw), target[:, None]

    return split


def _from_records(folder: Path, features: Any, rows: int) -> Any:
    import tensorflow as tf

    path = folder / "rides.tfrecord"
    if not path.exists():
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example in _examples(rows):
                writer.write(example)
    numbers = dict.fromkeys([*NUMBERS, "fare"], tf.io.FixedLenFeature((), tf.float32))
    texts = dict.fromkeys(TEXTS, tf.io.FixedLenFeature((), tf.string))
    records = tf.data.TFRecordDataset(str(path)).shuffle(10_000).repeat().batch(BATCH, drop_remainder=True)
    parsed = records.map(
        lambda examples: _with_target(features)(tf.io.parse_example(examples, numbers | texts)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return parsed.prefetch(tf.data.AUTOTUNE)


def _examples(rows: int) -> Iterator[bytes]:
    import tensorflow as tf

    for row in _rides(rows, 0).to_pylist():
        values = {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
            if isinstance(value, str)
            else tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
            for name, value in row.items()
        }
        yield tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()


def _from_csv(folder: Path, features: Any, rows: int) -> Any:  # noqa: ARG001
    import tensorflow as tf

    names = [*NUMBERS, *TEXTS, "fare"]
    batches = tf.data.experimental.make_csv_dataset(
        str(folder / "*.csv"),
        BATCH,
        column_names=names,
        column_defaults=["" if name in TEXTS else 0.0 for name in names],
        num_parallel_reads=2,
    )
    return batches.map(_with_target(features), num_parallel_calls=tf.data.AUTOTUNE)


_DATASETS: dict[str, Callable[[Path, Any, int], Any]] = {
    LIMIT: _limit,
    PARQUET: _from_parquet,
    AGAIN: _read_again,
    RECORDS: _from_records,
    SLICES: _from_slices,
    CSV: _from_csv,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        rates = _one(sys.argv[1], Path(sys.argv[2]))
        print(json.dumps({field: getattr(rates, field) for field in _FIELDS}))
    else:
        main()
