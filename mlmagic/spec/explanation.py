"""Which features moved predictions, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlmagic.spec.noun import Noun


class Method(StrEnum):
    """How contributions are found."""

    SHAPLEY = "shapley"
    """Features are put in place of those of rows drawn from the baseline, one after the other in random orders, and
    the changes of the prediction are averaged. For any model."""
    GRADIENTS = "gradients"
    """The gradients along the straight line from the baseline's means to the row are averaged. For numbers alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution(Noun):
    """By how much one feature moved one prediction."""

    feature: str
    value: str
    """As text; `missing` where there is none."""
    amount: float | None
    """None where the model answers NaN."""
    error: float | None = None
    """The standard error of the sampling; None of gradients, which do not sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRow(Noun):
    """A prediction: the baseline's, and all contributions."""

    row: str
    """Its label in the index."""
    output: str
    """What is explained: `prediction`, or the class that the row is taken for, such as `prediction_late`."""
    prediction: float | None
    baseline: float | None
    contributions: tuple[Contribution, ...]
    """The largest first. They add up to prediction - baseline, but for `gap`."""
    gap: float = 0.0
    """What is missing from the sum: 0 but for rounding with Shapley values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence(Noun):
    """The mean size of a feature's contributions."""

    feature: str
    mean_size: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationReport(Noun):
    """Explained predictions of one version: the first rows as they are, all of them in the mean."""

    version: str
    """Such as `taxi@2`."""
    output: str
    """Such as `prediction`; of classes without one that was named, `the most likely class of prediction`."""
    method: Method
    baseline: str
    """What is usual, and where that is known from."""
    rows: int
    samples: int
    """Permutations of Shapley values, steps of gradients."""
    seed: int | None = None
    """None of gradients."""
    influences: tuple[Influence, ...]
    """Of all features, the largest first."""
    shown: tuple[ExplainedRow, ...]
    """The first rows."""
    notes: tuple[str, ...] = ()
