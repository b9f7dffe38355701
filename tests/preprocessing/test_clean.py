"""What the functions of a cell may take and return."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlmagic.errors import UsageError
from mlmagic.preprocessing.clean import Cleaned, Cleaner, CleanKind, to_frame

BATCH = pa.record_batch(
    {"fare": pa.array([1.0, -1.0, None]), "id": pa.array([1, None, 2**60 + 1]), "who": pa.array(["a", None, "b"])}
)


def cleaner(clean: Callable[..., Any] | None = None, clean_row: Callable[..., Any] | None = None) -> Cleaner:
    functions = {"clean": clean, "clean_row": clean_row}
    module = types.ModuleType("cell")
    vars(module).update({name: function for name, function in functions.items() if function})
    return Cleaner(module)


def cleaned(clean: Callable[..., Any], batch: pa.RecordBatch = BATCH) -> list[dict[str, Any]]:
    result = cleaner(clean)(batch).batch
    assert result is not None
    return result.to_pylist()


def test_without_a_function_rows_stay_as_they_are() -> None:
    assert cleaner()(BATCH) == Cleaned(BATCH)


def test_a_batch_stays_in_arrow_if_the_annotation_says_so() -> None:
    def clean(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pc.greater(batch["fare"], 0))

    def clean_table(table: pa.Table) -> pa.Table:
        return table.filter(pc.greater(table["fare"], 0)).select(["who"])

    assert cleaner(clean).kind is CleanKind.RECORD_BATCH
    assert cleaned(clean) == BATCH.slice(0, 1).to_pylist()
    assert cleaned(clean_table) == [{"who": "a"}]


def test_arrow_functions_get_plain_text() -> None:
    def clean(batch: pa.RecordBatch) -> pa.Table:
        return pa.table({"who": pc.utf8_upper(batch["who"])})

    assert cleaned(clean, pa.record_batch({"who": pa.array(["a", "b"]).dictionary_encode()})) == [
        {"who": "A"},
        {"who": "B"},
    ]


def test_anything_else_gets_a_frame_that_keeps_whole_numbers_whole() -> None:
    def clean(frame):
        assert isinstance(frame, pd.DataFrame)
        return frame[frame["fare"].isna()]

    assert cleaned(clean) == [{"fare": None, "id": 2**60 + 1, "who": "b"}]
    assert to_frame(BATCH.slice(2))["id"].dtype == "int64"
    assert to_frame(BATCH)["id"].dtype == "Int64"


def test_a_function_that_filters_all_rows_still_tells_the_columns() -> None:
    assert cleaned(lambda frame: frame[frame["fare"] > 5]) == []
    result = cleaner(lambda frame: frame[frame["fare"] > 5])(BATCH).batch
    assert result is not None
    assert result.schema.names == BATCH.schema.names


@pytest.mark.parametrize(
    ("clean", "message"),
    [
        (lambda _: None, "clean returned None; it has to return a DataFrame"),
        (lambda frame: frame["fare"], "clean returned a Series; it has to return a DataFrame"),
        (lambda frame: frame.assign(odd=["a", 1, []]), "not of one type"),
        (lambda frame: pd.concat([frame, frame], axis=1), "two columns called fare, id, who"),
    ],
)
def test_what_clean_must_not_return(clean: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cleaner(clean)(BATCH)


def test_an_exception_in_clean_goes_through() -> None:
    with pytest.raises(KeyError, match="nothing"):
        cleaner(lambda frame: frame["nothing"])(BATCH)


def test_clean_row_keeps_changes_drops_and_multiplies_rows() -> None:
    def clean_row(row: dict[str, Any]) -> Any:
        if row["who"] == "a":
            return [row, {**row, "who": "c"}]
        return None if row["who"] is None else {**row, "who": "d"}

    result = cleaner(clean_row=clean_row)(BATCH)
    assert result.batch is not None
    assert result.batch.column("who").to_pylist() == ["a", "c", "d"]
    assert not result.failed


def test_a_row_at_which_clean_row_raises_is_told_with_its_text() -> None:
    def clean_row(row: dict[str, Any]) -> dict[str, Any]:
        row["half"] = row["fare"] / 2
        return row

    result = cleaner(clean_row=clean_row)(BATCH)
    assert result.batch is not None
    assert result.batch.num_rows == 2
    (failed,) = result.failed
    assert failed.reason == "clean_row raised TypeError"
    assert failed.message.startswith("clean_row raised TypeError: unsupported operand")
    assert failed.text == '{"fare": null, "id": 1152921504606846977, "who": "b"}'


def test_clean_row_that_leaves_nothing_tells_no_columns() -> None:
    assert cleaner(clean_row=lambda _: None)(BATCH).batch is None


@pytest.mark.parametrize(
    ("clean_row", "message"),
    [
        (lambda _: True, r"clean_row returned bool True; it has to return a dict, a list of dicts, or None"),
        (lambda row: {"x": row["who"] or 1}, "not of one type"),
    ],
)
def test_what_clean_row_must_not_return(clean_row: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cleaner(clean_row=clean_row)(BATCH)


def test_functions_that_cannot_be_called_are_told() -> None:
    with pytest.raises(UsageError, match="both clean and clean_row"):
        cleaner(clean=lambda batch: batch, clean_row=lambda row: row)
    with pytest.raises(UsageError, match=r"clean\(batch, limit\) has to take one argument"):
        cleaner(clean=lambda batch, limit: batch[:limit])
