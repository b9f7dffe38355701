"""Values of datasets as people read them: numbers, times, shares, the most frequent ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import yaml

from mlmagic.panels.dataset_bins import Bars, quantile
from mlmagic.panels.numbers import number
from mlmagic.panels.text import fit
from mlmagic.panels.times import DAY
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.statistics import ColumnStatistics

PERCENTILES = (1, 25, 50, 75, 99)
NONE = "—"
_VALUE_WIDTH = 24
_TOP = 5
_RARE = 0.001
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE})


def share(part: float, whole: float = 1.0) -> str:
    """Return a part in per cent; what is not nothing is never `0 %`, and what is not all never `100 %`."""
    if not part or not whole:
        return "0 %"
    percent = 100 * part / whole
    if percent >= 99.95 and part < whole:
        return "> 99.9 %"
    if percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %"


def value_text(value: float, kind: ColumnType) -> str:
    """Return a number, or what time it means, as short as it can be read."""
    if kind not in _TIMES:
        return number(int(value)) if float(value).is_integer() and abs(value) < 1e15 else number(value)
    time = moment(value)
    if time is None:
        return number(value)
    return f"{time:%Y-%m-%d}" if kind is ColumnType.DATE else f"{time:%Y-%m-%d %H:%M}"


def moment(seconds: float) -> datetime | None:
    """Return the time so many seconds after 1970; None of what no calendar has."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def quantile_texts(column: ColumnStatistics) -> list[str]:
    """Return p1, p25, p50, p75 and p99; none where there are no numbers."""
    numeric = column.numeric
    if numeric is None or column.type is ColumnType.BOOLEAN:
        return []
    values = [quantile(numeric, percent) for percent in PERCENTILES]
    if column.type is ColumnType.INTEGER:
        values = [math.floor(value + 0.5) for value in values]
    return [value_text(value, _precision(column)) for value in values]


def range_text(column: ColumnStatistics) -> str | None:
    """Return `1.5 to 80`; None of what has no quantiles."""
    numeric = column.numeric
    if numeric is None or column.type is ColumnType.BOOLEAN:
        return None
    return " to ".join(value_text(value, _precision(column)) for value in (numeric.minimum, numeric.maximum))


def _precision(column: ColumnStatistics) -> ColumnType:
    """Return as what values are shown: times that are far apart as days."""
    numeric = column.numeric
    is_long = numeric is not None and numeric.maximum - numeric.minimum > 10 * DAY
    return ColumnType.DATE if column.type is ColumnType.TIMESTAMP and is_long else column.type


def top_texts(column: ColumnStatistics) -> list[str]:
    """Return the most frequent values, each with its share; of those that hardly recur, one as an example."""
    values = column.vocabulary.values[:_TOP] if column.vocabulary is not None else ()
    if values and column.count > 1 and values[0].count <= max(1, _RARE * column.count):
        return [f"such as {literal(values[0].value)}"]
    return [f"{_value(counted.value, column.type)} {share(counted.count, column.count)}" for counted in values]


def literal(text: str) -> str:
    """Return a value of text, so that blanks and the like can be seen."""
    shown = fit(text, _VALUE_WIDTH)
    return shown if shown and (shown == text or shown.endswith("…")) else fit(repr(text), _VALUE_WIDTH)


def _value(text: str, kind: ColumnType) -> str:
    # A model sees truth as a number.
    return {"0": "false", "1": "true"}.get(text, text) if kind is ColumnType.BOOLEAN else literal(text)


def unique_text(column: ColumnStatistics) -> str:
    """Return how many distinct values there are; `≈` where that is an estimate."""
    return f"{'' if column.is_unique_exact else '≈ '}{column.unique:,}"


def bar_text(bars: Bars, at: int) -> str:
    """Return what a bar stands for."""
    if bars.labels:
        return _value(bars.labels[at], bars.type)
    low, high = bars.edges[at], bars.edges[at + 1]
    if bars.type is ColumnType.INTEGER and high - low == 1:
        return value_text(low + 0.5, bars.type)
    return f"{value_text(low, bars.type)} to {value_text(high, bars.type)}"


def declaration_yaml(features: Mapping[str, object]) -> str:
    """Return a declaration of features as YAML, a line for each, to be copied."""
    if not features:
        return "features: {}"
    lines = [f"  {_flow(name)}: {one_line_yaml(value)}" for name, value in features.items()]
    return "\n".join(["features:", *lines])


def one_line_yaml(value: object) -> str:
    """Return a feature's declaration on one line, its type first."""
    plain = _plain(value)
    # The file has its keys in order of name.
    return _flow({"type": plain["type"], **plain} if isinstance(plain, dict) and "type" in plain else plain)


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
    text = text.removesuffix("\n").removesuffix("\n...")
    # JSON is YAML too, and breaks no line where a value holds a line end.
    return json.dumps(value, ensure_ascii=False) if "\n" in text else text


def _plain(value: object) -> object:
    """Return what YAML can write, whatever kind of mapping or sequence it was."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
