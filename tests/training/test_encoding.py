"""Raw columns become codes: in training data as in the exported model, whatever the rows hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rides import COLUMNS, rides, statistics_of
from support.trainer_process import TrainerProcess, load_trainer, write_trainer

from mlmagic.preprocessing.reading.convert import convert
from mlmagic.source.features import features_module
from mlmagic.spec.dataset import ColumnType, DatasetSchema
from mlmagic.spec.feature_declaration import read_features

SCHEMA = DatasetSchema(columns=COLUMNS, target="fare", key="key")
DECLARATION = {
    "miles": {"type": "numeric", "log": True, "clip": [0.01, 0.99]},
    "miles_scaled": {"type": "numeric", "column": "miles", "scale": "minMax"},
    "miles_bucket": {"type": "bucketized", "column": "miles", "boundaries": [1, 2, 5]},
    "longitude": {"type": "bucketized", "buckets": "nbuckets=16"},
    "latitude": {"type": "bucketized", "buckets": "nbuckets=16", "embedding": 3},
    "passengers": {"type": "categorical", "vocabulary": 4, "oov": 2},
    "passengers_number": {"type": "numeric", "column": "passengers"},
    "passengers_hash": {"type": "hashed", "column": "passengers", "buckets": 5},
    "night": "categorical",
    "payment": {"type": "categorical", "embedding": 2},
    "company": {"type": "categorical", "vocabulary": "companies=20", "oov": 3},
    "company_hash": {"type": "hashed", "column": "company", "buckets": 50},
    "place": {"type": "crossed", "of": ["longitude", "latitude"], "buckets": 500, "embedding": 4},
    "place_paid": {"type": "crossed", "of": ["place_bucket", "payment", "review"], "buckets": 100},
    "place_bucket": {"type": "bucketized", "column": "latitude", "buckets": 3},
    "words": {"type": "text", "column": "review", "vocabulary": 5, "length": 6},
    "words_embedded": {"type": "text", "column": "review", "embedding": 4},
    "pickup": {"type": "time", "parts": ["year", "month", "day", "weekday", "hour", "minute", "dayOfYear"]},
    "moment": {"type": "time", "column": "pickup", "parts": ["secondsOfDay", "seconds"]},
    "day": "time",
}
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
MISSING = -(2**63)


def trainer_files(columns: Mapping[str, list[Any]], declaration: Mapping[str, Any] = DECLARATION) -> dict[str, bytes]:
    features = read_features(declaration, COLUMNS, target="fare", key="key")
    return dict(features_module(SCHEMA, statistics_of(columns), features, "fare").files)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerProcess]:
    process = TrainerProcess(tmp_path_factory.mktemp("process") / "log")
    yield process
    process.end()


@pytest.fixture(scope="module")
def exported(process: TrainerProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trainer with all kinds of features, and in `model` a model that returns its codes and encodings."""
    folder = write_trainer(tmp_path_factory.mktemp("trainer"), trainer_files(rides(2000)))
    process.call(export_codes, folder)
    return folder


def export_codes(folder: Path) -> None:
    import keras

    trainer = load_trainer(folder)
    features = trainer.make_features()
    inputs = features.get_inputs()
    outputs = {f"code_{name}": value for name, value in inputs.items()} | {"all": features.get_encoded_features()}
    trainer.export_model(keras.Model(inputs, outputs), features, str(folder / "model"))


def encode(folder: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Encode raw columns as training data is."""
    import tensorflow as tf

    chunk = {name: tf.constant(column) for name, column in raw.items() if name != "key"}
    function = _encoder(folder, frozenset(name for name, column in chunk.items() if column.dtype == tf.string))
    codes = tf.data.Dataset.from_tensors(chunk).map(function).get_single_element()
    return {name: code.numpy() for name, code in codes.items()}


@cache
def _encoder(folder: Path, texts: frozenset[str]) -> Any:
    import tensorflow as tf

    features = load_trainer(folder).make_features()
    specs = {
        name: spec if spec.dtype != tf.string or name in texts else tf.TensorSpec((None,), tf.int64, name)
        for name, spec in features.raw_inputs.items()
    }
    return tf.function(features.encode).get_concrete_function(specs)


def compare(folder: Path, raw: Mapping[str, Any], served: Mapping[str, Any]) -> list[str]:
    """Return the names of codes that differ between training data and the exported model, or are not finite."""
    import tensorflow as tf

    codes = encode(folder, raw)
    signature = _model(folder / "model").signatures["serving_default"]
    answers = signature(**{name: tf.constant(column) for name, column in served.items()})
    assert len(answers["all"]) == len(raw["miles"]) == len(answers["key"])
    wrong = [
        name for name, code in codes.items() if not np.array_equal(code.squeeze(), np.squeeze(answers[f"code_{name}"]))
    ]
    return wrong + [name for name, answer in answers.items() if name != "key" and not np.isfinite(answer).all()]


@cache
def _model(path: Path) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(str(path))


FLOATS = st.floats(width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 3.4e38, 1e-45])
WHOLE = st.integers(MISSING, 2**63 - 1) | st.integers(-1, 8) | st.just(MISSING)
TEXTS = st.text(max_size=20) | st.sampled_from(["", "Cash", "company 3", "[UNK]", "\0", " ", "good, GOOD bad!", "ß ü"])
TIMES = st.none() | st.datetimes()
ROWS = 3000


ODD = st.fixed_dictionaries(
    {
        **dict.fromkeys(("miles", "longitude", "latitude"), st.lists(FLOATS, min_size=1)),
        **dict.fromkeys(("passengers", "night"), st.lists(WHOLE, min_size=1)),
        **dict.fromkeys(("payment", "company", "review"), st.lists(TEXTS, min_size=1)),
        **dict.fromkeys(("pickup", "day"), st.lists(TIMES, min_size=1)),
    }
)


def raw_rows(odd: Mapping[str, list[Any]], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return many rows, half of them odd, as training data has them and as the exported model takes them."""
    chance = np.random.default_rng(seed)
    usual = rides(64, seed, missing=0)
    usual |= {name: [EPOCH + timedelta(hours=hour * 999) for hour in range(64)] for name in ("pickup", "day")}
    columns = {}
    for name, values in odd.items():
        places = chance.integers(0, 2 * len(values), ROWS)
        columns[name] = [(values * 2)[place] if place < len(values) else usual[name][place % 64] for place in places]
    served = {name: np.array(columns[name], "float32") for name in ("miles", "longitude", "latitude")}
    served |= {name: np.array(columns[name], "int64") for name in ("passengers", "night")}
    texts = ("payment", "company", "review")
    served |= {name: [text.encode("utf-8", "replace") for text in columns[name]] for name in texts}
    trained = served | {name: np.array([micros(time) for time in columns[name]]) for name in ("pickup", "day")}
    served |= {name: [time.isoformat() if time else "" for time in columns[name]] for name in ("pickup", "day")}
    return trained, served | {"key": [str(row) for row in range(ROWS)]}


def micros(time: datetime | None) -> int:
    """Return microseconds since 1970 in UTC."""
    if time is None:
        return MISSING
    plain = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    return (plain - EPOCH) // timedelta(microseconds=1)


@settings(max_examples=12, deadline=None)
@given(odd=ODD, seed=st.integers(0, 99))
def test_training_data_and_the_exported_model_agree_exactly(process, exported, odd, seed) -> None:
    assert process.call(compare, exported, *raw_rows(odd, seed)) == []


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def parts_of(folder: Path, texts: list[str]) -> dict[str, list[int]]:
    import tensorflow as tf

    trainer = load_trainer(folder)
    micros = trainer.parse(tf.constant(texts))
    names = [*trainer.PERIODS, "year"]
    return {name: part.numpy().tolist() for name, part in trainer.parts_of(micros, names).items()} | {
        "micros": micros.numpy().tolist()
    }


@settings(max_examples=10, deadline=None)
@given(times=st.lists(st.datetimes(timezones=st.none() | OFFSETS), min_size=30))
def test_parts_of_times_are_those_of_python(process, exported, times) -> None:
    parts = process.call(parts_of, exported, [time.isoformat(" ") for time in times])
    assert parts.pop("micros") == [micros(time) for time in times]
    moments = [
        EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=micros(time)) for time in times if 1 < time.year < 9999
    ]
    rows = [row for row, time in enumerate(times) if 1 < time.year < 9999]
    for name in ("year", "month", "day", "hour", "minute"):
        assert [parts[name][row] for row in rows] == [getattr(moment, name) for moment in moments]
    assert [parts["weekday"][row] for row in rows] == [moment.weekday() for moment in moments]
    assert [parts["dayOfYear"][row] for row in rows] == [moment.timetuple().tm_yday for moment in moments]


def test_times_in_other_forms(process, exported) -> None:
    same = [
        "2013-07-01 05:30:00 UTC",
        "2013-07-01T05:30Z",
        "2013-07-01 05:30 GMT",
        " 2013-07-01 07:30:00.000+02:00 ",
        "2013-07-01t00:30-0500",
    ]
    assert set(process.call(parts_of, exported, same)["micros"]) == {1_372_656_600_000_000}
    hours = ["2013-07-01 05", "2013-07-01T05Z", "2013-07-01T07+02", "2013-07-01 10:30+0530"]
    assert set(process.call(parts_of, exported, hours)["micros"]) == {1_372_654_800_000_000}
    fractions = ["2013-07-01 05:30:00,5", "2013-07-01T05:30:00.500000499"]
    assert set(process.call(parts_of, exported, fractions)["micros"]) == {1_372_656_600_500_000}
    none = [
        "",
        "now",
        "2013-02-29",
        "0000-01-01",
        "2013-13-01",
        "2013-07-01 24:00",
        "2013-7-1",
        "01/07/2013",
        "2013-07",
    ]
    assert set(process.call(parts_of, exported, [*none, "12013-07-01", "2013-07-01T05:30+24:00"])["micros"]) == {
        MISSING
    }


READ = ["2013-05-01", "2013-05-01 12", "2013-05-01T12:30Z", "2013-05-01 12:30 GMT", " 2013-05-01 12:30:00 UTC "]
READ += ["2013-05-01 12:30:00.123456789", "2013-05-01T12:30:00.250-0530", "2013-05-01 12:30:00 +02:00"]
READ += [
    "2013-05-01 12:30+05",
    "1969-12-31 23:59:59.999999",
    "0004-02-29",
    "9999-12-31 23:59:59",
    "2000-02-29T00:00:00",
]


def test_exported_models_read_times_as_preprocessing_does(process, exported) -> None:
    read, wrong = convert(pa.array(READ), ColumnType.TIMESTAMP)
    assert wrong is None
    assert process.call(parts_of, exported, READ)["micros"] == read.cast(pa.int64()).to_pylist()


def small(miles: list[Any], payment: list[Any]) -> dict[str, list[Any]]:
    return {"key": ["a"] * len(miles), "miles": miles, "payment": payment, "fare": [1.0] * len(miles)}


def test_what_codes_are(process, tmp_path) -> None:
    declared = {"miles": "numeric", "far": {"type": "bucketized", "column": "miles", "boundaries": [2, 4]}}
    declared |= {"payment": "categorical", "both": {"type": "crossed", "of": ["far", "payment"], "buckets": 100}}
    folder = write_trainer(tmp_path, trainer_files(small([1.0, 5.0, None], ["Cash", "Cash", "Card"]), declared))
    raw = {"miles": np.array([2, np.nan, np.inf, -np.inf], "float32"), "payment": ["Card", "", "Cheque", "Cash"]}
    codes = process.call(encode, folder, raw)
    assert codes["miles"].tolist() == [[2], [3], [5], [1]]  # the mean, the greatest, the least
    assert codes["miles_missing"].tolist() == [[0], [1], [0], [0]]
    assert codes["far"].tolist() == [[2], [0], [3], [1]]
    assert codes["payment"].tolist() == [[3], [0], [1], [2]]
    assert codes["both"].tolist() == [[2 * 4 + 3], [0], [3 * 4 + 1], [1 * 4 + 2]]


def encodings(folder: Path, raw: Mapping[str, Any], names: list[str]) -> list[list[float]]:
    import keras
    import tensorflow as tf

    features = load_trainer(folder).make_features()
    model = keras.Model(features.get_inputs(), features.get_encoded_features(*names))
    return model(features.encode({name: tf.constant(column) for name, column in raw.items()})).numpy().tolist()


def test_what_encodings_are(process, tmp_path) -> None:
    declared = {"miles": {"type": "numeric", "scale": "minMax"}, "payment": "categorical"}
    folder = write_trainer(tmp_path, trainer_files(small([1.0, 5.0, None], ["Cash", "Cash", "Card"]), declared))
    raw = {"miles": np.array([2, np.nan], "float32"), "payment": ["Card", ""]}
    # Scaled, and whether it is missing; never seen, Cash, Card: nothing is known of a missing payment.
    assert process.call(encodings, folder, raw, []) == [[0.25, 0, 0, 0, 1], [0.5, 1, 0, 0, 0]]
    assert process.call(encodings, folder, raw, ["payment"]) == [[0, 0, 1], [0, 0, 0]]


DEGENERATE = {
    "one row": rides(1, missing=0),
    "all missing": rides(50, missing=1.1),
    "all the same": {name: values * 50 for name, values in rides(1, missing=0).items()},
}


@pytest.mark.parametrize(
    "case", ["one row", *(pytest.param(case, marks=pytest.mark.slow) for case in list(DEGENERATE)[1:])]
)
def test_features_of_columns_that_tell_nothing(process, tmp_path, case: str) -> None:
    folder = write_trainer(tmp_path, trainer_files(DEGENERATE[case]))
    process.call(export_codes, folder)
    odd = {name: [value, None] for name, (value, *_) in rides(1, 5, missing=0).items()}
    odd |= {"miles": [np.nan, np.inf], "longitude": [0, 3e38], "latitude": [-1e-40, -3e38]}
    odd |= {"passengers": [MISSING, 9], "night": [MISSING, 1], "pickup": [None, EPOCH], "day": [EPOCH, None]}
    odd |= {name: ["", odd[name][0]] for name in ("payment", "company", "review")}
    assert process.call(compare, folder, *raw_rows(odd, 0)) == []


def boundaries(folder: Path, quantiles: list[float], buckets: int) -> list[float]:
    return load_trainer(folder).quantile_boundaries(quantiles, buckets)


def test_ties_make_fewer_buckets_and_none_is_empty(process, exported) -> None:
    zeros = [0.0] * 77 + [float(number) for number in range(1, 181)]
    edges = process.call(boundaries, exported, zeros, 10)
    assert len(edges) == 7
    assert min(edges) > 0
    assert process.call(boundaries, exported, [3.0] * 257, 16) == []
    assert process.call(boundaries, exported, [float(number) for number in range(257)], 4) == [64.0, 128.0, 192.0]
