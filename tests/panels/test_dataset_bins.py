"""What charts of columns show."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from support.dataset_tables import statistics_of

from mlmagic.panels.dataset_bins import BINS, OTHERS, Bars, bars, quantile
from mlmagic.panels.dataset_chart import blocks, grid_svg, spark_svg
from mlmagic.panels.dataset_values import bar_text
from mlmagic.spec.statistics import ColumnStatistics


def column(values: object) -> ColumnStatistics:
    return statistics_of(pa.table({"x": pa.array(values)})).columns[0]


def chart(train: object, evaluation: object | None = None) -> Bars:
    columns = {"train": column(train)} | ({} if evaluation is None else {"eval": column(evaluation)})
    found = bars(columns)
    assert found is not None
    return found


def test_numbers_have_bars_over_the_range_of_both() -> None:
    found = chart(np.linspace(0, 10, 5001), np.linspace(5, 20, 5001))
    assert (found.edges[0], found.edges[-1], len(found.edges)) == (0, 20, BINS + 1)
    assert sum(found.shares["train"]) == pytest.approx(1, abs=1e-4)
    assert found.shares["eval"][0] == 0
    assert found.shares["train"][:12] == pytest.approx([1 / 12] * 12, abs=0.01)


def test_far_numbers_are_left_out_and_counted() -> None:
    found = chart(np.append(np.linspace(0, 1, 995), [1e6] * 5))
    assert found.edges[-1] < 2
    assert found.beyond == (pytest.approx(0), pytest.approx(0.01, abs=0.005))


def test_few_whole_numbers_have_a_bar_each() -> None:
    found = chart([1, 1, 2, 4], [1, 4, 5, 5])
    assert found.edges == (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)
    assert found.shares == {"train": (0.5, 0.25, 0, 0.25, 0), "eval": (0.25, 0, 0, 0.25, 0.5)}


def test_whole_numbers_far_apart_are_numbers() -> None:
    assert len(chart([1, 1_000_000]).shares["train"]) == BINS


def test_values_come_by_frequency_and_the_rest_is_one() -> None:
    letters = [letter for number, letter in enumerate("abcdefghij") for _ in range(20 - number)]
    found = chart(letters, ["a", "z"])
    assert found.labels == (*"abcdefg", OTHERS)
    assert found.shares["eval"] == (0.5, 0, 0, 0, 0, 0, 0, 0.5)


def test_booleans_are_values() -> None:
    found = chart([True, True, False, None])
    assert [bar_text(found, at) for at in range(2)] == ["false", "true"]
    assert found.shares["train"] == pytest.approx((1 / 3, 2 / 3), abs=1e-6)


@pytest.mark.parametrize("values", [pa.nulls(3, pa.float64()), pa.nulls(3, pa.string()), [f"{n}" for n in range(999)]])
def test_what_has_no_chart(values: object) -> None:
    assert bars({"train": column(values)}) is None


def test_a_split_without_values_is_left_out() -> None:
    assert list(chart([1.0, 2.0], pa.nulls(2, pa.float64())).shares) == ["train"]


@pytest.mark.parametrize("value", [0.0, 7.5, 1e300, -1e-300])
def test_a_constant_number_is_one_bar(value: float) -> None:
    found = chart([value, value])
    assert sum(found.shares["train"]) == pytest.approx(1)
    assert found.edges[0] <= value <= found.edges[-1]


def test_quantiles_lie_between_known_ones() -> None:
    numeric = column(np.arange(10_001.0)).numeric
    assert numeric is not None
    assert [quantile(numeric, percent) for percent in (0, 25, 50, 99, 100)] == pytest.approx(
        [0, 2500, 5000, 9900, 10_000], abs=2
    )


def test_charts_are_drawn_without_words_of_markup() -> None:
    found = chart(["<script>", "b", "b"], ["b"])
    assert blocks(found) == "█▄"
    assert spark_svg(found).count("<path") == 3
    assert "<script>" not in grid_svg([found], ["<b>", "eval"])
    assert "&lt;script&gt;" in grid_svg([found], ["train", "eval"])
