"""Features inferred from columns and what is known of them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from support.rides import COLUMNS, rides, statistics_of

from mlmagic.preprocessing.inference import Inference, infer, infer_features
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.feature_declaration import declaration, read_features
from mlmagic.statistics.accumulator import SplitAccumulator

ROWS = 1000
TYPES = {pa.int64(): ColumnType.INTEGER, pa.float64(): ColumnType.FLOAT, pa.string(): ColumnType.STRING}


def of(values: list[Any], name: str = "column", kind: ColumnType | None = None) -> Inference:
    array = pa.array(values)
    column = Column(name=name, type=kind or TYPES[array.type])
    other = Column(name="other", type=ColumnType.INTEGER)
    counts = SplitAccumulator([column, other])
    counts.add(pa.record_batch({name: array, "other": pa.array([row % 100 for row in range(len(values))])}))
    return infer([column, other], counts.result())[0]


def options(values: list[Any], name: str = "column", kind: ColumnType | None = None) -> dict[str, Any]:
    return dict(of(values, name, kind).features.get(name, {}))


def test_rides() -> None:
    inferred = infer_features(COLUMNS, statistics_of(rides(ROWS)), "fare", "key")
    kinds = {name: feature["type"] for name, feature in inferred.items()}
    assert kinds == {
        "miles": "numeric",
        "longitude": "numeric",
        "longitude_bucket": "bucketized",
        "latitude": "numeric",
        "latitude_bucket": "bucketized",
        "passengers": "categorical",
        "night": "numeric",
        "payment": "categorical",
        "company": "categorical",
        "review": "categorical",
        "pickup": "time",
        "day": "time",
        "place": "crossed",
    }
    assert inferred == declaration(read_features(inferred, COLUMNS, target="fare", key="key"))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.5] * ROWS, "left out: all rows have the same value"),
        ([f"id {row}" for row in range(ROWS)], "left out: nearly every row has another value, as ids have"),
        (list(range(5, ROWS)), "left out: a running number, different in every row"),
        (list(range(40_000)), "left out: a running number, different in every row"),
        (
            [f"a long story of day {row} of that year in words" for row in range(ROWS)],
            "left out: long texts; `column: text`",
        ),
    ],
)
def test_what_is_left_out(values: list[Any], reason: str) -> None:
    inference = of(values)
    assert not inference.features
    assert inference.reason.startswith(reason)


def test_skewed_and_far_numbers() -> None:
    assert options([float(row**4) for row in range(ROWS)]) == {"type": "numeric", "log": True}
    assert options([float(row) for row in range(ROWS)]) == {"type": "numeric"}
    far = of([*(float(row - 500) for row in range(ROWS)), 1e9])
    assert far.features["column"] == {"type": "numeric", "clip": [0.01, 0.99]}
    assert far.reason == "numbers, held to their quantiles at 1 % and 99 %, as a few are far away"


def test_whole_numbers_and_texts_by_how_many_there_are() -> None:
    assert options([row % 7 for row in range(ROWS)])["type"] == "categorical"
    assert options([row % 300 for row in range(ROWS)])["type"] == "numeric"
    assert options([row % 300 for row in range(ROWS)], "driver_id") == {
        "type": "categorical",
        "vocabulary": 300,
        "embedding": 5,
    }
    many = of([f"shop {row % 2000}" for row in range(4000)])
    assert many.features["column"] == {"type": "hashed", "buckets": 1000, "embedding": 6}
    assert many.reason.startswith("text with")
    assert of(["a" * 2000, "b" * 2000] * 100).features["column"] == {"type": "hashed", "buckets": 1000}
    missing = of([None, "a", "b", "a"] * 100)
    assert missing.reason == "text with 2 values; 100 are missing"


def test_times_by_the_days_that_they_span() -> None:
    hours = pa.array([row * 3_600_000_000 for row in range(ROWS)], pa.timestamp("us"))
    assert options(hours, kind=ColumnType.TIMESTAMP)["parts"] == ["weekday", "hour"]
    assert options(pa.array(range(ROWS), pa.date32()), kind=ColumnType.DATE)["parts"] == ["year", "month", "weekday"]
    assert options(pa.array([3, 4], pa.date32()), kind=ColumnType.DATE)["parts"] == ["seconds"]


def test_a_dataset_of_one_row_has_features_all_the_same() -> None:
    inferred = infer(COLUMNS, statistics_of(rides(1, missing=0)), "fare", "key")
    assert {inference.reason for inference in inferred[:-1]} == {"there is nothing better"}
    assert all(inference.features for inference in inferred)
    only_target = [column for column in COLUMNS if column.name in {"fare", "key"}]
    assert infer_features(only_target, statistics_of(rides(1, missing=0)), "fare", "key") == {}


def test_features_are_not_called_like_other_columns() -> None:
    columns = [Column(name=name, type=ColumnType.FLOAT) for name in ("lat", "lon", "lat_bucket")]
    counts = SplitAccumulator(columns)
    counts.add(pa.record_batch({column.name: pa.array([40.0 + row / 9 for row in range(99)]) for column in columns}))
    inferred = infer_features(columns, counts.result())
    assert set(inferred) == {"lat", "lon", "lon_bucket", "lat_bucket"}
    assert inferred["lat_bucket"]["type"] == "numeric"
