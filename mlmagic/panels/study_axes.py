"""The axes of a study's charts: where a value lies between 0 and 1, and which values are told beside the axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from mlmagic.panels.text import display_width
from mlmagic.spec.space_text import number_text
from mlmagic.spec.study import Goal, Parameter, ParameterKind, Scale

Tick = tuple[float, str]
"""A place between 0 and 1, and what stands beside it."""

_FACTORS = (1, 2, 5, 10)
_MOST_TICKS = 5
_LONGEST_NUMBER = 10
_LEAST_WORD, _LONGEST_WORD = 4, 12
"""So much of a word is told rather than nothing, and no more where others want room."""
_LOG_RATIO = 50.0
"""Positive results that differ by more are drawn by their powers of ten."""
_FAR = 3.0
"""Results so many times the middle half's width away from it are not drawn if they press all others together."""
_FEWEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterAxis:
    """The values of a parameter, stretched as they are searched."""

    parameter: Parameter

    def place(self, text: str) -> float | None:
        """Return where a value lies; None for what is not in the space, such as a trial of an earlier study has."""
        parameter = self.parameter
        try:
            if parameter.kind is ParameterKind.CATEGORICAL:
                return _evenly(parameter.categories.index(text), len(parameter.categories))
            if parameter.kind is ParameterKind.DISCRETE:
                return _evenly(parameter.numbers.index(float(text)), len(parameter.numbers))
            place = self._number(float(text))
        except ValueError:
            return None
        return place if math.isfinite(place) and -1e-9 <= place <= 1 + 1e-9 else None

    @property
    def words(self) -> list[str]:
        """All values that are told apart, in their order; none of what is measured."""
        parameter = self.parameter
        if parameter.kind is ParameterKind.CATEGORICAL:
            return list(parameter.categories)
        return [number_text(number) for number in parameter.numbers]

    @property
    def levels(self) -> list[float]:
        """The numbers that are told of what is measured; whole ones of whole numbers."""
        low, high = self._bounds
        inner = powers(low, high) if self.parameter.scale is Scale.LOG else round_numbers(low, high)
        if self.parameter.kind is ParameterKind.INTEGER:
            inner = [number for number in inner if float(number).is_integer()]
        return _apart([(self._number(number), number) for number in dict.fromkeys([low, *inner, high])])

    def ticks(self, most: int) -> list[Tick]:
        """Return the values that are told, no more than so many words, evenly among all."""
        if self.is_word:
            words = self.words
            return [(_evenly(at, len(words)), words[at]) for at in _some(len(words), most)]
        return [(self._number(number), tick_text(number)) for number in self.levels]

    def ticks_across(self, room: int) -> list[Tick]:
        """Return what is told side by side where so many characters fit: numbers in full, and the start of words.

        Of a few words all are told, though they are cut short; of many those that can be read.
        """
        told = self.words if self.is_word else [text for _, text in self.ticks(1)]
        longest = max(map(display_width, told), default=0)
        if self.parameter.kind is ParameterKind.CATEGORICAL:
            least = room // (_LEAST_WORD + 1)
            longest = min(longest, _LEAST_WORD if len(told) <= least else _LONGEST_WORD)
        most = max(1, room // (longest + 1))
        ticks = self.ticks(most)
        return ticks if len(ticks) <= most else [ticks[0], ticks[-1]]

    @property
    def is_word(self) -> bool:
        """Its values are told apart, not measured."""
        return self.parameter.kind in {ParameterKind.CATEGORICAL, ParameterKind.DISCRETE}

    @property
    def _bounds(self) -> tuple[float, float]:
        return self.parameter.minimum or 0.0, self.parameter.maximum or 0.0

    def _number(self, number: float) -> float:
        low, high = self._bounds
        if high <= low:
            return 0.5
        if self.parameter.scale is Scale.LOG:
            return math.log(number / low) / math.log(high / low)
        if self.parameter.scale is Scale.REVERSE_LOG:
            return 1 - math.log((low + high - number) / low) / math.log(high / low)
        return (number - low) / (high - low)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAxis:
    """The results of trials. What lies beyond is drawn at its end."""

    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return where a result lies."""
        if value <= self.low or self.high <= self.low:
            return 0.0 if self.high > self.low else 0.5
        if value >= self.high:
            return 1.0
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def is_beyond(self, value: float) -> bool:
        """Say whether a result lies where it cannot be drawn."""
        return not self.low <= value <= self.high

    @property
    def levels(self) -> list[float]:
        """The results that are told."""
        return powers(self.low, self.high) if self.is_log else round_numbers(self.low, self.high)

    @property
    def ticks(self) -> list[Tick]:
        """The same with their places."""
        return [(self.place(value), tick_text(value)) for value in self.levels]


def result_axis(values: Sequence[float], goal: Goal) -> ResultAxis:
    """Return an axis for these results; a few that are far worse than the rest may lie beyond it."""
    found = sorted(value for value in values if math.isfinite(value))
    if not found:
        return ResultAxis(low=0.0, high=1.0)
    if found[0] > 0 and _ratio(found) >= _LOG_RATIO:
        low, high = _reach([math.log(value) for value in found], goal)
        return ResultAxis(low=math.exp(low), high=math.exp(high), is_log=True)
    low, high = _reach(found, goal)
    return ResultAxis(low=low, high=high)


def _ratio(found: Sequence[float]) -> float:
    """Return how many times the high results are the low ones, without the tenth at either end if they are many."""
    cut = len(found) // 10
    return found[-1 - cut] / found[cut]


def _reach(found: Sequence[float], goal: Goal) -> tuple[float, float]:
    """Return from where to where sorted results are drawn."""
    low, high = found[0], found[-1]
    if len(found) >= _FEWEST:
        first, _, third = quantiles(found, n=4)
        reach = _FAR * (third - first)
        is_lower = goal is Goal.MINIMIZE
        near = [value for value in found if (value <= third + reach if is_lower else value >= first - reach)]
        # Where there is room enough for all, all are drawn.
        if near[-1] - near[0] < (high - low) / _FAR:
            low, high = near[0], near[-1]
    margin = (high - low) * 0.06 or abs(low) * 0.1 or 0.5
    return low - margin, high + margin


def round_numbers(low: float, high: float, most: int = _MOST_TICKS) -> list[float]:
    """Return a few round numbers within a range."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in _FACTORS if factor * size >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def powers(low: float, high: float) -> list[float]:
    """Return powers of ten within a range, or where it has less than two round numbers."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, -(-(last - first + 1) // _MOST_TICKS))
    found = [float(f"1e{power}") for power in range(first, last + 1, every)]
    return found if len(found) > 1 else round_numbers(low, high, 4)


def tick_text(value: float) -> str:
    """Return a number as it stands beside an axis: in full if it is short, for 1048576 is no 1.04858e+06."""
    text = number_text(value)
    return text if len(text) <= _LONGEST_NUMBER else f"{value:.6g}"


def _some(count: int, most: int) -> list[int]:
    """Return places among `count` that are equally far from each other, from the first on, `most` of them at most."""
    return list(range(0, count, max(1, -(-count // most))))


def _evenly(at: int, count: int) -> float:
    return at / (count - 1) if count > 1 else 0.5


def _apart(levels: Sequence[tuple[float, float]], least: float = 0.09) -> list[float]:
    """Return of numbers with their places the ends, and of the others those that are not too near to another one."""
    first, *inner, last = levels if len(levels) > 1 else (*levels, *levels)
    kept = [first]
    for level in inner:
        if level[0] - kept[-1][0] >= least and last[0] - level[0] >= least:
            kept.append(level)
    return [number for _, number in ([*kept, last] if last[0] > first[0] else kept)]
