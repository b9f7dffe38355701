"""What looks wrong in a dataset."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from support.dataset_tables import column_type, statistics_of

from mlmagic.api.dataset_warnings import dataset_warnings
from mlmagic.spec.dataset import Column, DatasetSchema, SplitBy, SplitRule
from mlmagic.spec.dataset_report import Leak
from mlmagic.spec.statistics import DatasetStatistics, RowCounts

ROWS = 500
NUMBERS = np.random.default_rng(1).normal(0, 1, ROWS)


def told(train: dict[str, object], evaluation: dict[str, object] | None = None, **schema: object) -> list[str]:
    tables = {"train": pa.table(train), "eval": pa.table(evaluation or train)}
    columns = tuple(Column(name=n, type=column_type(tables["train"][n].type)) for n in tables["train"].column_names)
    rows = {split: table.num_rows for split, table in tables.items()}
    rule = schema.pop("split", SplitRule(fractions={"train": 0.5, "eval": 0.5}))
    known = DatasetSchema(columns=columns, rows=rows, split=rule, **schema)  # type: ignore[arg-type]
    splits = {split: statistics_of(table) for split, table in tables.items()}
    statistics = DatasetStatistics(splits=splits, rows=RowCounts(read=1, written=1))
    return [f"{w.kind.value} {w.subject}: {w.detail}" for w in dataset_warnings(known, statistics)]


def test_nothing_is_wrong_with_good_columns() -> None:
    assert told({"x": NUMBERS, "kind": ["a", "b"] * 250, "is": [True, False] * 250}) == []


def test_empty_constant_and_mostly_missing() -> None:
    columns = {
        "empty": pa.nulls(ROWS, pa.float64()),
        "one": ["CMT"] * ROWS,
        "seven": pa.array([7.0] * 400 + [None] * 100),
        "rare": pa.array([None] * 300 + [1.0, 2.0] * 100),
        "half": pa.array([None] * 250 + [1.0, 2.0] * 125),
    }
    assert told(columns) == [
        "empty empty: 500 missing",
        "constant one: 'CMT'",
        "constant seven: 7, and 100 missing",
        "mostlyMissing rare: 60.0 %",
    ]


def test_names_of_rows() -> None:
    columns = {
        "id": [f"{number:x}" for number in range(ROWS)],
        "key": [f"{number:x}" for number in range(ROWS)],
        "row": np.arange(ROWS) + 70_000,
        "price": (NUMBERS * 1e9).astype(np.int64),
    }
    assert told(columns, key="key") == [
        "cardinality id: 500 in 500 rows",
        "cardinality row: 500 in 500 rows",
    ]


def test_spellings() -> None:
    assert told({"pay": ["Cash", "cash", " cash", "card", "card "] * 100}) == [
        "spelling pay: ' cash' and 'Cash', and 2 more"
    ]


def test_splits_that_differ() -> None:
    train = {"x": NUMBERS, "kind": ["a", "b"] * 250, "gap": NUMBERS}
    gaps = pa.array(NUMBERS, mask=np.arange(ROWS) % 2 == 0)
    evaluation = {"x": NUMBERS + 5, "kind": ["a", "c"] * 250, "gap": gaps}
    assert told(train, evaluation) == [
        "splitsDiffer x: eval: Jensen-Shannon 0.98",
        "splitsDiffer kind: eval: L-infinity 0.50",
        "splitsDiffer gap: eval: +50 % missing",
    ]


def test_times_of_a_split_by_time_and_keys_may_differ() -> None:
    train, later = {"t": NUMBERS, "key": ["a", "b"] * 250}, {"t": NUMBERS + 9, "key": ["c", "d"] * 250}
    rule = SplitRule(by=SplitBy.TIME, column="t", fractions={"train": 0.5, "eval": 0.5})
    assert told(train, later, split=rule, key="key") == []


def test_few_rows_differ_by_chance() -> None:
    kinds = np.random.default_rng(2).choice(list("abcdef"), 30)
    assert told({"kind": ["a", "b", "c", "d", "e", "f"] * 100}, {"kind": kinds}) == []


def test_splits_without_rows_and_leaks() -> None:
    schema = DatasetSchema(columns=(), rows={"train": 5, "extra": 0})
    statistics = DatasetStatistics(splits={}, rows=RowCounts(read=5, written=5))
    leaks = (Leak(column="copy", score=1.0), Leak(column="near", score=0.98765))
    assert [(w.subject, w.detail) for w in dataset_warnings(schema, statistics, leaks)] == [
        ("eval", "0 rows"),
        ("test", "0 rows"),
        ("extra", "0 rows"),
        ("copy", "99.99 % of it"),
        ("near", "98.77 % of it"),
    ]
