"""A declaration of features, as it stands in a cell or in YAML: read, checked as a whole, and written in one form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.feature_kinds import COLUMN_TYPES, CROSSABLE, DATE_PARTS, DEFAULT_PARTS, OPTIONS, USUAL_KINDS
from mlmagic.spec.feature_options import read_feature
from mlmagic.spec.features import Feature, FeatureKind, Scale, Tunable

_FORM = (
    "A feature is `name: kind` or `name: {type: kind, column: …, options}`, such as `fare: {type: numeric, log: true}`."
)


def read_features(
    declaration: object,
    columns: Sequence[Column] | None = None,
    *,
    target: str | None = None,
    key: str | None = None,
) -> tuple[Feature, ...]:
    """Return the features that a declaration describes, with all defaults filled in.

    Args:
        declaration: a mapping from names to kinds, or to options with a `type`; or one below the word `features`.
        columns: of the cleaned rows; without them, what depends on them is not checked.
        target: the column that the model learns: no feature.
        key: the column that names rows: no feature.

    Raises:
        UsageError: what is wrong; all of it.
    """
    entries = _entries(declaration)
    types = None if columns is None else {column.name: column.type for column in columns}
    problems: list[str] = []
    features = []
    for name, value in entries.items():
        own: list[str] = []
        feature = _read_feature(name, value, own)
        if feature is not None and not own:
            features.append(_with_parts(feature, types or {}))
            own += _problems_of_columns(feature, types, target, key)
        problems += [f"{name}: {problem}" for problem in own]
    problems += _problems_of_crosses(features, entries, types)
    problems += _problems_of_flags(features)
    if problems:
        raise UsageError("the features cannot be used as they are declared:", problems=problems, hint=_FORM)
    return tuple(features)


def declaration(features: Sequence[Feature]) -> dict[str, object]:
    """Return the declaration in its normal form, of JSON's types; reading it gives the same features."""
    return {feature.name: _normal_form(feature) for feature in features}


def _entries(declaration: object) -> Mapping[str, object]:
    if isinstance(declaration, Mapping) and list(declaration) == ["features"]:
        inner = declaration["features"]
        if isinstance(inner, Mapping) and not {"type", "column"} & inner.keys():
            declaration = inner
    if not isinstance(declaration, Mapping):
        raise UsageError(
            f"features are declared by a mapping from their names, not by {type(declaration).__name__} "
            f"{declaration!r:.60}.",
            hint=_FORM,
        )
    if not declaration:
        raise UsageError("the declaration has no features.", hint=_FORM)
    if unnamed := [name for name in declaration if not isinstance(name, str) or not name.strip()]:
        raise UsageError("names of features are text:", problems=[repr(name) for name in unnamed], hint=_FORM)
    return declaration


def _read_feature(name: str, value: object, problems: list[str]) -> Feature | None:
    if isinstance(value, Mapping) and len(value) == 1 and "type" not in value:
        # {numeric: {log: true}}; {boundaries: …} alone lacks its type
        word, options = next(iter(value.items()))
        if isinstance(options, Mapping) or options is None:
            value = {"type": word, **(options or {})}
    if isinstance(value, str):
        value = {"type": value}
    if not isinstance(value, Mapping):
        problems.append(f"expected a kind or a mapping with a `type`, got {value!r:.60}")
        return None
    return read_feature(name, value, problems)


def _with_parts(feature: Feature, types: Mapping[str, ColumnType]) -> Feature:
    if feature.kind is not FeatureKind.TIME or feature.parts:
        return feature
    is_date = types.get(feature.columns[0]) is ColumnType.DATE
    return replace(feature, parts=tuple(part for part in DEFAULT_PARTS if part in DATE_PARTS or not is_date))


def _problems_of_columns(
    feature: Feature, types: Mapping[str, ColumnType] | None, target: str | None, key: str | None
) -> list[str]:
    """Return what is wrong with the column of a feature that is no cross."""
    if feature.kind is FeatureKind.CROSSED:
        return []
    column = feature.columns[0]
    if column == target:
        return [f"{column} is the target, and a model that sees it learns nothing else"]
    if column == key:
        return [f"{column} is the key, which names a row and tells nothing about it"]
    if types is None:
        return []
    if column not in types:
        return [_no_column(column, types)]
    kind = types[column]
    if kind not in COLUMN_TYPES[feature.kind]:
        return [
            f"{feature.kind.value} does not work for {column}, which is {kind.value}: {_advice(feature.kind, kind)}"
        ]
    if kind is ColumnType.DATE and (wrong := [part for part in feature.parts or () if part not in DATE_PARTS]):
        return [f"{column} is a date, so it has no {', '.join(wrong)}; it has {', '.join(DATE_PARTS)}"]
    return _problems_of_values(column, kind, feature.values or ())


def _problems_of_values(column: str, kind: ColumnType, values: Sequence[str]) -> list[str]:
    """Return which values of a given vocabulary the column cannot have."""
    if kind is ColumnType.INTEGER and (wrong := [value for value in values if not _is_whole(value)]):
        return [f"values of {column} are whole numbers, not {', '.join(map(repr, wrong[:3]))}"]
    if kind is ColumnType.BOOLEAN and (wrong := [value for value in values if value not in {"true", "false"}]):
        return [f"values of {column} are true and false, not {', '.join(map(repr, wrong[:3]))}"]
    return []


def _is_whole(value: str) -> bool:
    return re.fullmatch(r"-?\d{1,19}", value, re.ASCII) is not None and -(2**63) < int(value) < 2**63


def _advice(kind: FeatureKind, column: ColumnType) -> str:
    if column is ColumnType.FLOAT and kind in {FeatureKind.CATEGORICAL, FeatureKind.HASHED}:
        return "make it whole numbers or text in `clean`, or use bucketized"
    return f"use {USUAL_KINDS[column]}"


def _no_column(column: str, types: Mapping[str, ColumnType]) -> str:
    near = nearest(column, types)
    return " ".join([f"there is no column {column!r}.", near or f"There are: {_some(types)}."])


def _some(names: Mapping[str, object], limit: int = 12) -> str:
    shown = ", ".join(list(names)[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


def _problems_of_crosses(
    features: Sequence[Feature], entries: Mapping[str, object], types: Mapping[str, ColumnType] | None
) -> list[str]:
    kinds = {feature.name: feature.kind for feature in features}
    return [
        f"{feature.name}: {problem}"
        for feature in features
        if feature.kind is FeatureKind.CROSSED
        for member in feature.columns
        if (problem := _problem_of_member(member, kinds, entries, types))
    ]


def _problem_of_member(
    member: str,
    kinds: Mapping[str, FeatureKind],
    entries: Mapping[str, object],
    types: Mapping[str, ColumnType] | None,
) -> str | None:
    if member in kinds:
        if kinds[member] in CROSSABLE:
            return None
        return f"{member} is {kinds[member].value}; crosses take features that are bucketized, categorical or hashed"
    if member in entries or types is None:
        return None  # what is wrong with it has been told, or nobody knows
    if member not in types:
        return f"there is no feature and no column {member!r}. {nearest(member, [*entries, *types])}".rstrip()
    if types[member] is not ColumnType.STRING:
        kind = "bucketized" if ColumnType.FLOAT is types[member] else "categorical"
        return f"{member} is no feature, and only columns of text are crossed as they are: declare `{member}: {kind}`"
    return None


def _problems_of_flags(features: Sequence[Feature]) -> list[str]:
    """Return the flags that two options share without sharing their default."""
    seen: dict[str, tuple[str, int]] = {}
    problems = []
    for feature in features:
        for tunable in tunables(feature):
            first, default = seen.setdefault(tunable.flag, (feature.name, tunable.default))
            if default != tunable.default:
                problems.append(
                    f"{feature.name}: {tunable.flag}={tunable.default}, but {first} has {tunable.flag}={default}"
                )
    return problems


def tunables(feature: Feature) -> list[Tunable]:
    """Return the numbers of a feature that the trainer takes as flags."""
    options = (feature.buckets, feature.vocabulary, feature.length, feature.embedding)
    return [option for option in options if isinstance(option, Tunable)]


def _normal_form(feature: Feature) -> dict[str, object]:
    form: dict[str, object] = {"type": feature.kind.value}
    values = {
        "column": feature.columns[0] if feature.columns[0] != feature.name else None,
        "of": feature.columns,
        "scale": feature.scale,
        "log": feature.is_log or None,
        "clip": feature.clip,
        "buckets": feature.buckets,
        "boundaries": feature.boundaries,
        "vocabulary": feature.vocabulary,
        "values": feature.values,
        "length": feature.length,
        "oov": feature.oov,
        "embedding": feature.embedding,
        "parts": feature.parts,
    }
    for option in OPTIONS[feature.kind]:
        if (value := values[option]) is not None:
            form[option] = _plain(value)
    return form


def _plain(value: object) -> object:
    match value:
        case Tunable():
            return f"{value.flag}={value.default}"
        case Scale():
            return value.value
        case tuple():
            return list(value)
        case _:
            return value
