"""The calls in `trainer/features.py`: one for each raw column, and one for each feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mlmagic.source.feature_numbers import clip_of, number, scaling_of
from mlmagic.source.task import literal, quote
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.features import Feature, FeatureKind, Tunable
from mlmagic.spec.statistics import ColumnStatistics, SplitStatistics, Vocabulary

_SHORT = 60
"""A vocabulary whose text is at most so long stands in features.py."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a class of the trainer."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """What features are made of, and what is too long for the program: vocabularies and quantiles, by column."""

    schema: DatasetSchema
    statistics: SplitStatistics
    long: dict[str, dict[str, object]] = field(default_factory=dict)

    def of(self, column: str) -> ColumnStatistics:
        """Return what is known of a column; of one that is not known, nothing."""
        known = self.statistics.column(column)
        return known or ColumnStatistics(name=column, type=self.type(column), count=0)

    def type(self, column: str) -> ColumnType:
        """Return the type of a column."""
        found = self.schema.column(column)
        return found.type if found else ColumnType.STRING

    def put(self, column: str, what: str, values: Sequence[object]) -> str:
        """Keep values in the file beside the program, and return the expression that reads them there."""
        self.long.setdefault(column, {})[what] = list(values)
        return f"known[{quote(column)}][{quote(what)}]"


def column_call(column: Column, tables: Tables, *, is_number: bool) -> Call:
    """Return the call for a raw column. `is_number` says that a feature computes with its values."""
    known = tables.of(column.name)
    name, arguments = "Text", [quote(column.name)]
    if column.type in {ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.BOOLEAN}:
        name = "Number"
        arguments += ['"int64"'] if column.type is not ColumnType.FLOAT else []
        if known.numeric and is_number:
            arguments.append(f"fill={number(known.numeric.mean)}")
            if column.type is ColumnType.FLOAT:
                arguments += [f"low={number(known.numeric.minimum)}", f"high={number(known.numeric.maximum)}"]
    elif column.type in {ColumnType.TIMESTAMP, ColumnType.DATE}:
        name = "Moment"
        arguments += [f"fill={round(known.numeric.mean * 1e6)}"] if known.numeric else []
    return Call(name, (*arguments, *(["has_missing=True"] if known.missing else [])))


def feature_call(feature: Feature, tables: Tables) -> Call:
    """Return the call for a feature."""
    name, write = _WRITERS[feature.kind]
    arguments = [quote(feature.name)]
    if feature.kind is not FeatureKind.CROSSED and feature.columns[0] != feature.name:
        arguments.append(quote(feature.columns[0]))
    arguments += write(feature, tables)
    if feature.embedding is not None:
        arguments.append(f"embedding={_count(feature.embedding)}")
    return Call(name, tuple(arguments))


def _numeric(feature: Feature, tables: Tables) -> list[str]:
    known = tables.of(feature.columns[0]).numeric
    if known is None:
        return ["log=True"] if feature.is_log else []
    clip, (offset, scale) = clip_of(feature, known), scaling_of(feature, known)
    return [
        *([f"clip=({number(clip[0])}, {number(clip[1])})"] if clip else []),
        *(["log=True"] if feature.is_log else []),
        *([f"offset={number(offset)}"] if offset else []),
        *([f"scale={number(scale)}"] if scale != 1 else []),
    ]


def _bucketized(feature: Feature, tables: Tables) -> list[str]:
    column = feature.columns[0]
    known = tables.of(column).numeric
    if feature.boundaries is not None or known is None:
        return [f"boundaries=[{', '.join(number(edge) for edge in feature.boundaries or ())}]"]
    quantiles = tables.put(column, "quantiles", [float(number(value)) for value in known.quantiles])
    return [f"boundaries=quantile_boundaries({quantiles}, {_count(feature.buckets)})"]


def _categorical(feature: Feature, tables: Tables) -> list[str]:
    column = feature.columns[0]
    values = feature.values or _texts(tables.of(column).vocabulary)
    typed = [_typed(value, tables.type(column)) for value in values]
    vocabulary = _vocabulary(feature, "values", typed, tables)
    return [f"vocabulary={vocabulary}", *([f"oov={feature.oov}"] if feature.oov not in {None, 1} else [])]


def _typed(value: str, kind: ColumnType) -> object:
    """Return a value as the column has it; of booleans, 0 and 1."""
    match kind:
        case ColumnType.BOOLEAN:
            return int(value in {"true", "1"})
        case ColumnType.INTEGER:
            return int(value)
        case _:
            return value


def _text(feature: Feature, tables: Tables) -> list[str]:
    words = [word for word in _texts(tables.of(feature.columns[0]).tokens) if word != "[UNK]"]
    vocabulary = _vocabulary(feature, "words", words, tables)
    return [f"vocabulary={vocabulary}", f"length={_count(feature.length)}"]


def _texts(vocabulary: Vocabulary | None) -> list[str]:
    return [item.value for item in vocabulary.values if item.value] if vocabulary else []


def _vocabulary(feature: Feature, what: str, values: Sequence[object], tables: Tables) -> str:
    """Return the expression for the first of the values, as many as the feature has."""
    size = feature.vocabulary
    if isinstance(size, int):
        values = values[:size]
    text = literal(list(values))
    if isinstance(size, Tunable):
        return f"{tables.put(feature.name, what, values)}[:{size.flag}]" if values else "[]"
    return text if len(text) <= _SHORT else tables.put(feature.name, what, values)


def _hashed(feature: Feature, _: Tables) -> list[str]:
    return [f"buckets={_count(feature.buckets)}"]


def _crossed(feature: Feature, _: Tables) -> list[str]:
    return [f"of={literal(list(feature.columns))}", f"buckets={_count(feature.buckets)}"]


def _time(feature: Feature, tables: Tables) -> list[str]:
    known = tables.of(feature.columns[0]).numeric
    arguments = [f"parts={literal(list(feature.parts or ()))}"]
    if known is None or not {"year", "seconds"} & set(feature.parts or ()):
        return arguments
    deviation = round(known.variance**0.5, 6) or 1.0
    return [*arguments, f"mean={round(known.mean, 6)}", f"deviation={deviation}"]


def _count(value: int | Tunable | None) -> str:
    return value.flag if isinstance(value, Tunable) else str(value)


_WRITERS: Mapping[FeatureKind, tuple[str, Callable[[Feature, Tables], list[str]]]] = {
    FeatureKind.NUMERIC: ("Numeric", _numeric),
    FeatureKind.BUCKETIZED: ("Bucketized", _bucketized),
    FeatureKind.CATEGORICAL: ("Categorical", _categorical),
    FeatureKind.HASHED: ("Hashed", _hashed),
    FeatureKind.CROSSED: ("Crossed", _crossed),
    FeatureKind.TEXT: ("Words", _text),
    FeatureKind.TIME: ("Time", _time),
}
