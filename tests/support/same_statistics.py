"""Statistics of the same rows in another order: all is equal, but for the rounding of means and variances."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics


def assert_same(one: DatasetStatistics, other: DatasetStatistics) -> None:
    """Fail if they could not be of the same rows."""
    assert one.splits.keys() == other.splits.keys()
    for name, split in one.splits.items():
        assert split.rows == other.splits[name].rows
        for column, same in zip(split.columns, other.splits[name].columns, strict=True):
            assert _exact(column) == _exact(same)
            assert _moments(column) == pytest.approx(_moments(same), rel=1e-9, abs=1e-9)


def _exact(column: ColumnStatistics) -> ColumnStatistics:
    return (
        column if column.numeric is None else replace(column, numeric=replace(column.numeric, mean=0.0, variance=0.0))
    )


def _moments(column: ColumnStatistics) -> list[float]:
    return [] if column.numeric is None else [column.numeric.mean, column.numeric.variance]
