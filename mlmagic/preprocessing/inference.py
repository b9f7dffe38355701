"""A declaration of features for a dataset that has none: from its columns' types, and what is known of their values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.feature_declaration import declaration, read_features
from mlmagic.spec.statistics import ColumnStatistics, NumericStatistics, SplitStatistics

_ONE_HOT = 20
"""So many values become one-hot; more are embedded."""
_VOCABULARY = 1000
"""More values than these are hashed."""
_FREE_TEXT = 40
"""From so many characters on average, text is sentences."""
_ESTIMATED = 0.96
"""An estimate of how many values are different is rarely lower than this part of them."""
_SKEWED = 5
_COORDINATE_BUCKETS = 16
_DAY = 86_400
_COORDINATE = re.compile(r"(?P<before>.*?)(?P<axis>lat|lon|lng|long|latitude|longitude)", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(.*[_\-. ])?(id|ids|uuid|guid|key)|.*[a-z0-9](Id|ID)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """What became of a column, and why."""

    column: str
    features: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By name, in the form of a declaration; none if the column is left out."""
    reason: str


def infer_features(
    columns: Sequence[Column], statistics: SplitStatistics, target: str | None = None, key: str | None = None
) -> dict[str, object]:
    """Return a declaration in its normal form; empty if there is no column to predict from.

    Args:
        columns: of the cleaned rows.
        statistics: of the split `train`.
        target: the column to learn.
        key: the column that names a row.
    """
    inferred = infer(columns, statistics, target, key)
    entries = {name: options for inference in inferred for name, options in inference.features.items()}
    return declaration(read_features(entries, columns, target=target, key=key)) if entries else {}


def infer(
    columns: Sequence[Column], statistics: SplitStatistics, target: str | None = None, key: str | None = None
) -> tuple[Inference, ...]:
    """Return what `infer_features` makes of each column, with the reason in words."""
    candidates = [column for column in columns if column.name not in {target, key}]
    known = {column.name: statistics.column(column.name) or _nothing(column) for column in candidates}
    names = {column.name for column in columns}
    inferred = [_useless(known[column.name]) or _INFERRERS[column.type](known[column.name]) for column in candidates]
    if candidates and not any(inference.features for inference in inferred):
        # A model of nothing cannot be built; a dataset of one row is one whose columns are all constant.
        inferred = [
            _replaced(_INFERRERS[column.type](known[column.name]), "there is nothing better") for column in candidates
        ]
    inferred = [_without_names_of_others(inference, names) for inference in inferred]
    return (*inferred, *_crosses(inferred, names))


def _without_names_of_others(inference: Inference, names: set[str]) -> Inference:
    """Return the inference without features that are called like another column."""
    others = names - {inference.column}
    return replace(
        inference, features={name: options for name, options in inference.features.items() if name not in others}
    )


def _nothing(column: Column) -> ColumnStatistics:
    return ColumnStatistics(name=column.name, type=column.type, count=0)


def _replaced(inference: Inference, reason: str) -> Inference:
    if inference.features:
        return replace(inference, reason=reason)
    return Inference(column=inference.column, features={inference.column: {"type": "hashed"}}, reason=reason)


def _useless(known: ColumnStatistics) -> Inference | None:
    if known.count == 0:
        return Inference(column=known.name, reason="left out: all values are missing")
    if known.unique == 1 and not known.missing:
        return Inference(column=known.name, reason="left out: all rows have the same value")
    return None


def _infer_boolean(known: ColumnStatistics) -> Inference:
    return _one(known, {"type": "numeric", "scale": "none"}, "false and true as 0 and 1")


def _infer_integer(known: ColumnStatistics) -> Inference:
    if known.numeric is None:
        return _one(known, {"type": "numeric"}, "whole numbers")
    span = known.numeric.maximum - known.numeric.minimum
    all_values = known.count if known.is_unique_exact else known.count * _ESTIMATED
    if known.unique >= all_values and known.count > _ONE_HOT and span < 2 * known.count:
        return Inference(column=known.name, reason="left out: a running number, different in every row")
    if _IDENTIFIER.fullmatch(known.name):
        return _infer_name(known, "whole numbers that are called an id")
    is_counted = known.vocabulary is not None and known.vocabulary.is_complete
    if 2 < known.unique <= _ONE_HOT and known.count >= 10 * known.unique and is_counted:
        options = {"type": "categorical", "vocabulary": known.unique}
        return _one(known, options, f"whole numbers with {known.unique} values")
    return _one(known, *_numeric(known.numeric))


def _infer_float(known: ColumnStatistics) -> Inference:
    if known.numeric is None:
        return _one(known, {"type": "numeric"}, "numbers")
    if _is_coordinate(known.name, known.numeric):
        buckets: dict[str, object] = {"type": "bucketized", "column": known.name, "buckets": _COORDINATE_BUCKETS}
        features: dict[str, dict[str, object]] = {known.name: {"type": "numeric"}, f"{known.name}_bucket": buckets}
        return Inference(column=known.name, features=features, reason="a coordinate: as a number, and by the place")
    return _one(known, *_numeric(known.numeric))


def _numeric(numbers: NumericStatistics) -> tuple[dict[str, object], str]:
    """Return a numeric feature that few large numbers do not spoil."""
    low, median, high = (numbers.quantiles[round(rank * (len(numbers.quantiles) - 1))] for rank in (0.01, 0.5, 0.99))
    options: dict[str, object] = {"type": "numeric"}
    reasons = []
    if numbers.minimum >= 0 and high - median > _SKEWED * (median - low) and high > 2 * median + 1:
        options["log"] = True
        reasons.append("their logarithm, as large ones are rare")
    if max(numbers.maximum - high, low - numbers.minimum) > 10 * (high - low) > 0:
        options["clip"] = [0.01, 0.99]
        reasons.append("held to their quantiles at 1 % and 99 %, as a few are far away")
    return options, ", ".join(["numbers", *reasons])


def _infer_string(known: ColumnStatistics) -> Inference:
    is_mostly_unique = known.count > _ONE_HOT and known.unique > 0.5 * known.count
    if is_mostly_unique and known.text is not None and known.text.mean_length >= _FREE_TEXT:
        reason = f"left out: long texts; `{known.name}: text` makes words of them"
        return Inference(column=known.name, reason=reason)
    if known.count > _ONE_HOT and known.unique > 0.9 * known.count:
        return Inference(column=known.name, reason="left out: nearly every row has another value, as ids have")
    return _infer_name(known, "text")


def _infer_name(known: ColumnStatistics, what: str) -> Inference:
    """Return a feature for values that are names of something."""
    told = f"{what} with {'' if known.is_unique_exact else 'about '}{known.unique:,} values"
    size = {"embedding": _embedding(known.unique)} if known.unique > _ONE_HOT else {}
    # Of many columns, fewer values are listed of each; and very long texts never are.
    is_listed = known.vocabulary is not None and known.vocabulary.is_complete
    if known.unique > _VOCABULARY or not is_listed:
        return _one(known, {"type": "hashed", "buckets": _VOCABULARY, **size}, f"{told}: too many to list, or too long")
    return _one(known, {"type": "categorical", "vocabulary": max(known.unique, 1), **size}, told)


def _embedding(unique: int) -> int:
    return max(2, math.ceil(math.sqrt(math.sqrt(min(unique, _VOCABULARY)))))


def _infer_time(known: ColumnStatistics) -> Inference:
    numbers = known.numeric
    days = (numbers.maximum - numbers.minimum) / _DAY if numbers else 0.0
    is_date = known.type is ColumnType.DATE
    wanted = {"year": days > 730, "month": days > 60, "weekday": days >= 7, "hour": not is_date}
    parts = [part for part, is_wanted in wanted.items() if is_wanted]
    told = f"{'dates' if is_date else 'times'} of {math.ceil(days):,} days"
    return _one(known, {"type": "time", "parts": parts or ["seconds"]}, told)


def _one(known: ColumnStatistics, options: Mapping[str, object], reason: str) -> Inference:
    missing = f"; {known.missing:,} are missing" if known.missing else ""
    return Inference(column=known.name, features={known.name: options}, reason=reason + missing)


def _is_coordinate(name: str, numbers: NumericStatistics) -> bool:
    found = _COORDINATE.fullmatch(name)
    limit = 90 if found and found["axis"].lower().startswith("lat") else 180
    return found is not None and -limit <= numbers.minimum and numbers.maximum <= limit


def _crosses(inferred: Sequence[Inference], names: set[str]) -> list[Inference]:
    """Return a cross of the buckets of each latitude with those of its longitude."""
    places: dict[str, dict[str, str]] = {}
    for inference in inferred:
        found = _COORDINATE.fullmatch(inference.column)
        if found and len(inference.features) == 2:
            axis = "latitude" if found["axis"].lower().startswith("lat") else "longitude"
            places.setdefault(found["before"], {})[axis] = inference.column
    crosses = []
    for before, axes in places.items():
        name = f"{before.rstrip('_-. ')}_place".lstrip("_")
        if len(axes) == 2 and name not in names:
            members = [f"{column}_bucket" for column in axes.values()]
            options: dict[str, object] = {
                "type": "crossed",
                "of": members,
                "buckets": (_COORDINATE_BUCKETS + 2) ** 2,
                "embedding": 8,
            }
            reason = f"where {' and '.join(axes.values())} are"
            crosses.append(Inference(column=name, features={name: options}, reason=reason))
    return crosses


_INFERRERS: Mapping[ColumnType, Callable[[ColumnStatistics], Inference]] = {
    ColumnType.BOOLEAN: _infer_boolean,
    ColumnType.INTEGER: _infer_integer,
    ColumnType.FLOAT: _infer_float,
    ColumnType.STRING: _infer_string,
    ColumnType.TIMESTAMP: _infer_time,
    ColumnType.DATE: _infer_time,
}
