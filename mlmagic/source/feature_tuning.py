"""Numbers of features that a study tunes: its parameter `miles.buckets` becomes a flag of the program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.feature_declaration import tunables
from mlmagic.spec.feature_kinds import LEAST, MOST, OPTIONS
from mlmagic.spec.features import Feature, FeatureKind, Tunable
from mlmagic.spec.statistics import SplitStatistics
from mlmagic.spec.study import Parameter, ParameterKind

_NUMBERS = ("buckets", "vocabulary", "length", "embedding")
_HINT = (
    "FEATURE.OPTION=LOW..HIGH tunes a number of a feature, without preprocessing again: buckets, vocabulary, length "
    "or embedding, such as fare.buckets=4..64 or company.vocabulary=10;100;1000."
)
_INSTEAD = {
    "buckets": "declare a bucketized feature of its column",
    "vocabulary": "declare a categorical feature of its column",
    "length": "only text has one",
    "embedding": "features of numbers and times have none",
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A parameter that names a number of a feature."""

    parameter: Parameter
    feature: str
    option: str

    @property
    def numbers(self) -> list[float] | None:
        """The numbers that it may have, or their bounds; None if these are no whole numbers."""
        bounds = (self.parameter.minimum, self.parameter.maximum)
        of_kind = {ParameterKind.INTEGER: bounds, ParameterKind.DISCRETE: self.parameter.numbers}
        numbers = [number for number in of_kind.get(self.parameter.kind, ()) if number is not None]
        return numbers if numbers and all(number.is_integer() for number in numbers) else None


def tuned_features(
    features: Sequence[Feature], parameters: Sequence[Parameter], statistics: SplitStatistics
) -> tuple[Feature, ...]:
    """Return the features with flags for those of their numbers that parameters name, as in `miles.buckets`.

    Args:
        features: as they are declared.
        parameters: of a study; those without a dot in their name are others' business.
        statistics: of the rows that the features are made from.

    Raises:
        UsageError: there are no such numbers, or they cannot have such values; all is told.
    """
    found = {feature.name: feature for feature in features}
    flags = {tunable.flag for feature in features for tunable in tunables(feature)}
    problems: list[str] = []
    for parameter in parameters:
        name, dot, option = parameter.name.rpartition(".")
        if not dot:
            continue
        wanted = _Wanted(parameter, name, option)
        if problem := _problem(wanted, found, statistics):
            problems.append(f"{parameter.name}: {problem}")
            continue
        default = getattr(found[name], option)
        tunable = Tunable(flag=_flag_name(parameter.name, flags), default=default, option=f"--{parameter.name}")
        flags.add(tunable.flag)
        change: dict[str, Any] = {option: tunable}
        found[name] = replace(found[name], **change)
    if problems:
        raise UsageError("features cannot be tuned so:", problems=problems, hint=_HINT)
    return tuple(found.values())


def _flag_name(parameter: str, taken: set[str]) -> str:
    """Return the name of an argument that no other flag of the features has."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", parameter)
    while name in taken:
        name += "_"
    return name


def _problem(wanted: _Wanted, features: dict[str, Feature], statistics: SplitStatistics) -> str | None:
    feature = features.get(wanted.feature)
    if feature is None:
        return _no_feature(wanted, features)
    return _problem_of_option(wanted, feature) or _problem_of_numbers(wanted, feature, statistics)


def _no_feature(wanted: _Wanted, features: dict[str, Feature]) -> str:
    told = f"there is no feature {wanted.feature!r}"
    if made := [f"{name}.{wanted.option}" for name, feature in features.items() if wanted.feature in feature.columns]:
        return f"{told}; made of that column: {', '.join(made)}"
    return f"{told}. {nearest(wanted.feature, features)}".rstrip()


def _problem_of_option(wanted: _Wanted, feature: Feature) -> str | None:
    """Return why the feature's number cannot be chosen."""
    option, kind = wanted.option, feature.kind.value
    if option not in _NUMBERS:
        own = [name for name in OPTIONS[feature.kind] if name in _NUMBERS]
        told = f"{kind} has {' and '.join(own)} to tune" if own else f"{kind} has nothing to tune"
        return f"{told}, not {option!r}"
    if option not in OPTIONS[feature.kind]:
        return f"{feature.name} is {kind}, which has no {option}: {_INSTEAD[option]}"
    value = getattr(feature, option)
    if isinstance(value, Tunable):
        return f"it is the flag --{value.flag} already: tune {value.flag}"
    if value is None and option == "embedding":
        return "it is declared without one: `embedding: 8` lets its size be tuned"
    if value is None:
        given = "boundaries" if option == "buckets" else "values"
        return f"its {given} are declared one by one: declare `{option}` in their place"
    return None


def _problem_of_numbers(wanted: _Wanted, feature: Feature, statistics: SplitStatistics) -> str | None:
    """Return why the number cannot be what the parameter says."""
    option, numbers = wanted.option, wanted.numbers
    if numbers is None:
        return f"{option} is a whole number: LOW..HIGH, or some with ; between"
    least, most = LEAST[option], MOST[option]
    if wrong := [number for number in numbers if not least <= number <= most]:
        return f"{option} is a whole number from {least} to {most:,}, not {wrong[0]:.0f}"
    if option != "vocabulary":
        return None
    known = statistics.column(feature.columns[0])
    listed = None if known is None else known.tokens if feature.kind is FeatureKind.TEXT else known.vocabulary
    if listed is not None and listed.values and not listed.is_complete and max(numbers) > len(listed.values):
        return f"the dataset lists {len(listed.values):,} values of {feature.columns[0]}, so there cannot be more"
    return None
