"""Which of two versions answered better, in a sentence."""

from __future__ import annotations

from mlmagic.panels.numbers import column
from mlmagic.spec.monitoring_report import VersionsApart


def verdict_sentence(apart: VersionsApart) -> str:
    """Return the verdict, with the numbers that it rests on."""
    first, second = column([apart.first_value, apart.second_value])
    rows = f"{apart.second_rows:,} and {apart.first_rows:,} rows"
    values = f"{apart.metric} {second} against {first} of {apart.first}"
    if apart.low is None or apart.high is None:
        few = f"either needs {apart.least_rows:,} rows with a truth" if _has_few(apart) else "chance gave no interval"
        return f"Whether {apart.second} is better cannot be told yet: {values}, of {rows}; {few}."
    difference, low, high = column([apart.second_value - apart.first_value, apart.low, apart.high])
    plus = "+" * (apart.second_value > apart.first_value)
    told = f"{values}, difference {plus}{difference} ({low} to {high}, 95 %), of {rows}"
    if apart.is_better is not None:
        return f"{apart.second} is {'better' if apart.is_better else 'worse'}: {told}."
    needed = apart.rows_needed
    more = "the difference, if there is one, is small" if needed is None else _needed(apart, needed)
    return f"Whether {apart.second} is better cannot be told yet: {told}; {more}."


def _has_few(apart: VersionsApart) -> bool:
    return min(apart.first_rows, apart.second_rows) < apart.least_rows


def _needed(apart: VersionsApart, needed: int) -> str:
    if needed <= apart.first_rows + apart.second_rows:
        return "some more rows may do"
    return f"about {_round(needed):,} rows together would do, if the difference is what it seems to be"


def _round(rows: int) -> int:
    """Return two digits: more of them would be made up."""
    unit = int("1" + "0" * max(0, len(str(rows)) - 2))
    return -(-rows // unit) * unit
