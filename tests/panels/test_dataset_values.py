"""Values of datasets as people read them."""

from __future__ import annotations

import pyarrow as pa
import pytest
import yaml
from support.dataset_tables import statistics_of

from mlmagic.panels.dataset_values import (
    declaration_yaml,
    literal,
    moment,
    quantile_texts,
    share,
    top_texts,
    value_text,
)
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.statistics import ColumnStatistics

DAY = 86_400


def column(values: object) -> ColumnStatistics:
    return statistics_of(pa.table({"x": pa.array(values)})).columns[0]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5, "0 %"),
        (1, 10**6, "< 0.1 %"),
        (1, 300, "0.3 %"),
        (1, 3, "33 %"),
        (999_999, 10**6, "> 99.9 %"),
        (5, 5, "100 %"),
        (0, 0, "0 %"),
    ],
)
def test_shares(part: float, whole: float, text: str) -> None:
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (3.0, ColumnType.FLOAT, "3"),
        (-0.000123456, ColumnType.FLOAT, "-0.0001235"),
        (1.5e12, ColumnType.INTEGER, "1500000000000"),
        (90.0, ColumnType.TIMESTAMP, "1970-01-01 00:01"),
        (-DAY, ColumnType.DATE, "1969-12-31"),
        (1e15, ColumnType.DATE, "1.000e+15"),
    ],
)
def test_numbers_and_times(value: float, kind: ColumnType, text: str) -> None:
    assert value_text(value, kind) == text


def test_times_that_no_calendar_has() -> None:
    assert moment(1e20) is None
    assert moment(float(DAY)).day == 2  # type: ignore[union-attr]


def test_quantiles_of_long_times_are_days() -> None:
    days = pa.array([day * DAY * 10**6 for day in range(101)]).cast(pa.timestamp("us"))
    assert quantile_texts(column(days))[1:4] == ["1970-01-26", "1970-02-20", "1970-03-17"]
    assert quantile_texts(column(days.slice(0, 2)))[-1] == "1970-01-02 00:00"


def test_booleans_and_texts_have_values_in_place_of_quantiles() -> None:
    assert quantile_texts(column([True, False])) == []
    assert top_texts(column([True, False, True])) == ["true 67 %", "false 33 %"]
    assert top_texts(column(["a", "a", "b"])) == ["a 67 %", "b 33 %"]
    assert top_texts(column([f"{number:04}" for number in range(2000)])) == ["such as 0000"]


@pytest.mark.parametrize(
    ("text", "shown"), [("plain", "plain"), (" blank ", "' blank '"), ("", "''"), ("a\nb", r"'a\nb'")]
)
def test_blanks_can_be_seen(text: str, shown: str) -> None:
    assert literal(text) == shown


@pytest.mark.parametrize("name", ["fare", "a: b", "yes", "12", "", "- x", "#c", "a\nb", "\u202e{x}", "é'\"", "\x00"])
def test_declarations_are_yaml_that_reads_back(name: str) -> None:
    features = {name: {"log": True, "type": "numeric", "column": name}, "of": {"of": (name, "b"), "type": "crossed"}}
    text = declaration_yaml(features)
    assert len(text.splitlines()) == 3 or "\x00" in name
    assert yaml.safe_load(text) == {"features": {**features, "of": {"of": [name, "b"], "type": "crossed"}}}
    assert "{type: crossed" in text or '"type": "crossed"' in text


def test_no_features_are_an_empty_mapping() -> None:
    assert yaml.safe_load(declaration_yaml({})) == {"features": {}}
