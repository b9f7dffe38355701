"""What a feature declaration may say: the kinds, their options, and other tools' words for both."""

from __future__ import annotations

from collections.abc import Mapping

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.features import FeatureKind, Scale

OPTIONS: Mapping[FeatureKind, tuple[str, ...]] = {
    FeatureKind.NUMERIC: ("column", "scale", "log", "clip"),
    FeatureKind.BUCKETIZED: ("column", "buckets", "boundaries", "embedding"),
    FeatureKind.CATEGORICAL: ("column", "vocabulary", "values", "oov", "embedding"),
    FeatureKind.HASHED: ("column", "buckets", "embedding"),
    FeatureKind.CROSSED: ("of", "buckets", "embedding"),
    FeatureKind.TEXT: ("column", "vocabulary", "length", "embedding"),
    FeatureKind.TIME: ("column", "parts"),
}
"""In the order in which they are written."""

COLUMN_TYPES: Mapping[FeatureKind, tuple[ColumnType, ...]] = {
    FeatureKind.NUMERIC: (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.BOOLEAN),
    FeatureKind.BUCKETIZED: (ColumnType.INTEGER, ColumnType.FLOAT),
    FeatureKind.CATEGORICAL: (ColumnType.STRING, ColumnType.INTEGER, ColumnType.BOOLEAN),
    FeatureKind.HASHED: (ColumnType.STRING, ColumnType.INTEGER),
    FeatureKind.TEXT: (ColumnType.STRING,),
    FeatureKind.TIME: (ColumnType.TIMESTAMP, ColumnType.DATE),
}

USUAL_KINDS: Mapping[ColumnType, str] = {
    ColumnType.INTEGER: "numeric, bucketized, categorical or hashed",
    ColumnType.FLOAT: "numeric or bucketized",
    ColumnType.BOOLEAN: "numeric or categorical",
    ColumnType.STRING: "categorical, hashed or text",
    ColumnType.TIMESTAMP: "time",
    ColumnType.DATE: "time",
}

CROSSABLE = frozenset({FeatureKind.BUCKETIZED, FeatureKind.CATEGORICAL, FeatureKind.HASHED})

TIME_PARTS = ("year", "month", "day", "weekday", "hour", "minute", "dayOfYear", "secondsOfDay", "seconds")
DATE_PARTS = ("year", "month", "day", "weekday", "dayOfYear", "seconds")

DEFAULT_PARTS = ("month", "weekday", "hour")

DEFAULTS: Mapping[FeatureKind, Mapping[str, object]] = {
    FeatureKind.NUMERIC: {"scale": Scale.STANDARD},
    FeatureKind.BUCKETIZED: {"buckets": 16},
    FeatureKind.CATEGORICAL: {"vocabulary": 1000, "oov": 1},
    FeatureKind.HASHED: {"buckets": 100},
    FeatureKind.CROSSED: {"buckets": 1000},
    FeatureKind.TEXT: {"vocabulary": 1000, "length": 64},
    FeatureKind.TIME: {},  # the parts depend on the column's type
}
"""Without those that another option replaces, as `boundaries` does `buckets`."""

LEAST: Mapping[str, int] = {"buckets": 2, "vocabulary": 1, "length": 1, "oov": 1, "embedding": 1}
MOST: Mapping[str, int] = {
    "buckets": 1_000_000,
    "vocabulary": 1_000_000,
    "length": 10_000,
    "oov": 1_000_000,
    "embedding": 10_000,
}

_KINDS_ELSEWHERE: Mapping[str, tuple[FeatureKind, Mapping[str, object]]] = {
    # Keras's FeatureSpace
    "float": (FeatureKind.NUMERIC, {"scale": "none"}),
    "float_normalized": (FeatureKind.NUMERIC, {"scale": "standard"}),
    "float_rescaled": (FeatureKind.NUMERIC, {"scale": "minMax"}),
    "float_discretized": (FeatureKind.BUCKETIZED, {}),
    "integer_categorical": (FeatureKind.CATEGORICAL, {}),
    "string_categorical": (FeatureKind.CATEGORICAL, {}),
    "integer_hashed": (FeatureKind.HASHED, {}),
    "string_hashed": (FeatureKind.HASHED, {}),
    "cross": (FeatureKind.CROSSED, {}),
    # TensorFlow's feature columns
    "numeric_column": (FeatureKind.NUMERIC, {"scale": "none"}),
    "bucketized_column": (FeatureKind.BUCKETIZED, {}),
    "categorical_column_with_vocabulary_list": (FeatureKind.CATEGORICAL, {}),
    "categorical_column_with_hash_bucket": (FeatureKind.HASHED, {}),
    "crossed_column": (FeatureKind.CROSSED, {}),
    # British spelling, and what people type
    "bucketised": (FeatureKind.BUCKETIZED, {}),
    "number": (FeatureKind.NUMERIC, {}),
    "category": (FeatureKind.CATEGORICAL, {}),
    "date": (FeatureKind.TIME, {}),
    "timestamp": (FeatureKind.TIME, {}),
}

OPTIONS_ELSEWHERE: Mapping[str, str] = {
    "num_bins": "buckets",
    "crossing_dim": "buckets",
    "hash_bucket_size": "buckets",
    "bin_boundaries": "boundaries",
    "max_tokens": "vocabulary",
    "vocabulary_list": "values",
    "num_oov_indices": "oov",
    "num_oov_buckets": "oov",
    "keys": "of",
    "source_column": "column",
    "dimension": "embedding",
}
"""Keras's and TensorFlow's words for options."""


def find_kind(word: str) -> tuple[FeatureKind, Mapping[str, object]] | None:
    """Return the kind that a word means, with the options that it implies."""
    try:
        return FeatureKind(word), {}
    except ValueError:
        return _KINDS_ELSEWHERE.get(word.lower())


def find_scale(word: object) -> Scale | None:
    """Return the scale that a word means: `minMax` is also written `min_max` and `min-max`."""
    plain = word.lower().replace("_", "").replace("-", "") if isinstance(word, str) else word
    return next((scale for scale in Scale if scale.value.lower() == plain), None)


def find_part(word: object) -> str | None:
    """Return the part of a time that a word means: `dayOfYear` is also written `day_of_year`."""
    plain = word.lower().replace("_", "").replace("-", "") if isinstance(word, str) else word
    return next((part for part in TIME_PARTS if part.lower() == plain), None)
