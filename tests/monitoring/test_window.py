"""What a window takes, and that it stays small and the same in any order."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.flights import statistics_of

from mlmagic.errors import UsageError
from mlmagic.monitoring.compare import compare
from mlmagic.monitoring.window import Window, monitored, values_of
from mlmagic.spec.dataset import ColumnType

TYPES = {"miles": ColumnType.FLOAT, "zone": ColumnType.STRING, "riders": ColumnType.INTEGER}


def _rows(rows: int, seed: int = 0) -> dict[str, Any]:
    chance = np.random.default_rng(seed)
    zones = np.char.add("zone ", chance.integers(0, 30, rows).astype(str))
    return {"miles": chance.lognormal(1, 1, rows), "zone": zones, "riders": chance.integers(1, 7, rows)}


BASELINE = statistics_of(_rows(5000), TYPES)


def _window(*parts: Any) -> Window:
    window = Window(BASELINE)
    for part in parts:
        window.add(part)
    return window


def test_arrow_frames_arrays_and_lists_are_the_same() -> None:
    rows = _rows(500, seed=1)
    table = pa.table(rows)
    lists = {name: values.tolist() for name, values in rows.items()}
    dictionaries = table.set_column(1, "zone", table["zone"].dictionary_encode())
    expected = compare(BASELINE, _window(rows).values)
    for data in (table, pd.DataFrame(rows), lists, dictionaries, table.to_batches()[0]):
        assert compare(BASELINE, _window(data).values) == expected


def test_parts_may_come_and_be_merged_in_any_order() -> None:
    parts = [_rows(300, seed) for seed in range(4)]
    first, second = _window(*parts), _window(parts[3], parts[1]).merge(_window(parts[2]).merge(_window(parts[0])))
    assert [it.distribution_deviation for it in compare(BASELINE, first.values)] == pytest.approx(
        [it.distribution_deviation for it in compare(BASELINE, second.values)], abs=1e-12
    )
    assert first.statistics.column("zone") == second.statistics.column("zone")


def test_memory_does_not_grow_with_the_rows() -> None:
    window = _window()
    for seed in range(10):
        names = np.char.add("ride ", (np.arange(100_000) + seed * 100_000).astype(str))
        window.add({**_rows(100_000, seed), "zone": names})
    assert window.statistics.rows == 1_000_000
    assert len(pickle.dumps(window)) < 4 << 20


def test_what_does_not_fit_and_what_is_not_there_is_missing() -> None:
    rows = {"miles": [1.5, "abc", None, "2"], "riders": [1.5, 2, 3, 4]}
    window = _window(rows)
    assert window.statistics == _window(pd.DataFrame(rows)).statistics
    miles, zone, riders = window.statistics.columns
    assert (miles.count, miles.missing) == (2, 2)
    assert (zone.count, zone.missing) == (0, 4)
    assert riders.numeric is not None
    assert riders.numeric.mean == 2.625


def test_what_has_no_columns_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        _window([1, 2])
    assert str(refused.value).startswith(
        "a list has no columns that can be monitored. Give an Arrow table, a DataFrame"
    )
    with pytest.raises(UsageError, match=r"different numbers of rows: miles 2, zone 1\. Give each the same\."):
        _window({"miles": [1.0, 2.0], "zone": ["a"]})


def test_times_target_and_key_are_left_out_unless_they_are_named() -> None:
    columns = {"day": ColumnType.DATE, "fare": ColumnType.FLOAT}
    baseline = statistics_of({"day": pa.array([1, 2], pa.date32()), "fare": [1.0, 2.0]}, columns)
    assert [column.name for column in monitored(baseline)] == ["fare"]
    assert [column.name for column in monitored(baseline, features=["day"])] == ["day"]
    assert monitored(baseline, skipped=["fare"]) == []


def test_statistics_alone_tell_nearly_the_same() -> None:
    rows = _rows(5000, seed=2)
    rows["miles"] = rows["miles"] * 3
    whole = compare(BASELINE, _window(rows).values)
    alone = compare(BASELINE, values_of(statistics_of(rows, TYPES), BASELINE))
    for one, other in zip(whole, alone, strict=True):
        assert other.distribution_deviation == pytest.approx(one.distribution_deviation, abs=0.02)
        assert other.verdict is one.verdict
