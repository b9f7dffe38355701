"""How each column becomes model input: the nouns of a feature declaration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlmagic.spec.noun import Noun


class FeatureKind(StrEnum):
    """What is made of a column."""

    NUMERIC = "numeric"
    BUCKETIZED = "bucketized"
    CATEGORICAL = "categorical"
    HASHED = "hashed"
    CROSSED = "crossed"
    TEXT = "text"
    TIME = "time"


class Scale(StrEnum):
    """How a numeric feature is brought to a common size."""

    STANDARD = "standard"
    """Mean 0 and variance 1."""
    MIN_MAX = "minMax"
    """From 0 to 1."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunable(Noun):
    """A number that the trainer takes as a flag: `buckets: nbuckets=16` is `--nbuckets`, 16 unless it is given."""

    flag: str
    default: int
    option: str | None = None
    """How the flag is typed, if not as its name: `--fare.buckets`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Noun):
    """One feature. Options of other kinds than its own are None."""

    name: str
    kind: FeatureKind
    columns: tuple[str, ...]
    """One; of a cross, the names of two or more features (bucketized, categorical, hashed) or columns of text."""
    scale: Scale | None = None
    """Numeric."""
    is_log: bool = False
    """Numeric: log(1 + x) first, of negative values -log(1 - x)."""
    clip: tuple[float, float] | None = None
    """Numeric: the quantiles, from 0 to 1, to which values are held; before the logarithm."""
    buckets: int | Tunable | None = None
    """Bucketized: how many, of equal counts. Hashed and crossed: how many ids."""
    boundaries: tuple[float, ...] | None = None
    """Bucketized: given ones, ascending, in place of quantiles."""
    vocabulary: int | Tunable | None = None
    """Categorical and text: at most how many of the most frequent values."""
    length: int | Tunable | None = None
    """Text: how many words of a text count, from its beginning."""
    values: tuple[str, ...] | None = None
    """Categorical: a given vocabulary."""
    oov: int | None = None
    """Categorical: how many ids values get that are not in the vocabulary, at least 1."""
    embedding: int | Tunable | None = None
    """The size of a learned vector; without it, ids become one-hot (of text, counts)."""
    parts: tuple[str, ...] | None = None
    """Time: of `year month day weekday hour minute dayOfYear secondsOfDay seconds`, cyclic ones as sine and cosine."""
