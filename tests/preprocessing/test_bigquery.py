"""Rows of a table elsewhere take the same way as those of files."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import pytest

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.reading import bigquery
from mlmagic.preprocessing.reading.options import Format, ReadOptions
from mlmagic.preprocessing.reading.source import Source
from mlmagic.spec.dataset import Column, ColumnType

from .conftest import Preprocess

ROWS = [{"id": n, "who": f"w{n % 7}", "fare": None if n % 100 == 0 else n / 2, "day": None} for n in range(5_000)]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's part, which cannot be here: the columns of the table, and its rows."""
    names = {"id": ColumnType.INTEGER, "who": ColumnType.STRING, "fare": ColumnType.FLOAT, "day": ColumnType.DATE}
    columns = tuple(Column(name=name, type=kind) for name, kind in names.items())

    def planned(patterns: Any, options: ReadOptions) -> Source:
        return Source(format=Format.BIGQUERY, columns=columns, options=options, reference=patterns[0])

    monkeypatch.setattr(bigquery, "plan_bigquery", planned)
    monkeypatch.setattr(bigquery, "_rows", lambda _: beam.Create(ROWS))


@pytest.mark.usefixtures("table")
def test_a_table_is_cleaned_and_divided(preprocess: Preprocess) -> None:
    cell = "def clean(frame): return frame[frame.who != 'w3']"
    dataset = preprocess("bq://p.d.rides", "--target", "fare", "--key", "id", "--max-rejected", "2%", cell=cell)
    kept = [row for row in ROWS if row["who"] != "w3"]
    assert dataset.statistics.rows.removed == len(ROWS) - len(kept)
    assert dataset.statistics.rows.rejected == {"target fare is missing": sum(row["fare"] is None for row in kept)}
    written = [row["id"] for split in dataset.schema.rows for row in dataset.rows(split)]
    assert sorted(written) == [row["id"] for row in kept if row["fare"] is not None]  # type: ignore[type-var]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("words", [[], ["--split-time", "day"]])
def test_a_table_without_rows_is_told(
    preprocess: Preprocess, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(bigquery, "_rows", lambda _: beam.Create([]))
    with pytest.raises(MlmagicError, match="No row is left to train on: of 0 that were read"):
        preprocess("bq://p.d.rides", *words)
