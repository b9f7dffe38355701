"""One parameter as a way from 0 to 1: what lies where on its scale."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property

from mlmagic.spec.study import Parameter, ParameterKind, Scale

# How far from its place a number may be rounded, so that `0.0032` is tried and not `0.0031948537265`.
_ROUNDING = 5e-6


class Axis(ABC):
    """The values of a parameter as places between 0 and 1. A place that no value has stands for the nearest one."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter

    @property
    @abstractmethod
    def count(self) -> int | None:
        """How many values there are; None where they lie dense."""

    @abstractmethod
    def value(self, place: float) -> float | str:
        """Return the value at a place."""

    @abstractmethod
    def place(self, value: float | str) -> float:
        """Return where a value is; ValueError if it is none of the parameter's."""

    @abstractmethod
    def at(self, index: int) -> float | str:
        """Return one of the countable values, in their order."""

    def nearest(self, place: float) -> float:
        """Return the place of the value that a place stands for."""
        return self.place(self.value(place))

    @abstractmethod
    def beside(self, place: float) -> list[float]:
        """Return the places of the countable values next to one; of categories all others are."""


class DoubleAxis(Axis):
    """A range of numbers that lie dense."""

    def __init__(self, parameter: Parameter) -> None:
        super().__init__(parameter)
        self._low, self._high = _bounds(parameter)
        self._range = _Range(self._low, self._high, parameter.scale)

    @property
    def count(self) -> None:
        """See `Axis.count`."""
        return None

    def value(self, place: float) -> float:
        """See `Axis.value`."""
        if not _ROUNDING < place < 1 - _ROUNDING:
            return self._low if place < 0.5 else self._high
        exact = min(self._high, max(self._low, self._range.number(place)))
        for digits in range(1, 17):
            rounded = float(f"{exact:.{digits}g}")
            if self._low <= rounded <= self._high and abs(self._range.place(rounded) - place) < _ROUNDING:
                return rounded
        return exact

    def place(self, value: float | str) -> float:
        """See `Axis.place`."""
        number = float(value)
        if not self._low <= number <= self._high:
            raise ValueError(value)
        return self._range.place(number)

    def at(self, index: int) -> float:
        """See `Axis.at`."""
        raise IndexError(index)

    def nearest(self, place: float) -> float:
        """See `Axis.nearest`."""
        return place

    def beside(self, place: float) -> list[float]:
        """See `Axis.beside`."""
        del place
        return []


class IntegerAxis(Axis):
    """Whole numbers. On a linear scale each has the same share of the way."""

    def __init__(self, parameter: Parameter) -> None:
        super().__init__(parameter)
        low, high = _bounds(parameter)
        self._low, self._high = math.ceil(low), math.floor(high)
        # Half a step beyond the ends: else these would have half a share.
        self._range = _Range(self._low - 0.5, self._high + 0.5, parameter.scale)

    @property
    def count(self) -> int:
        """See `Axis.count`."""
        return self._high - self._low + 1

    def value(self, place: float) -> float:
        """See `Axis.value`."""
        return float(min(self._high, max(self._low, round(self._range.number(place)))))

    def place(self, value: float | str) -> float:
        """See `Axis.place`."""
        number = float(value)
        if not (self._low <= number <= self._high and number.is_integer()):
            raise ValueError(value)
        return self._range.place(number)

    def at(self, index: int) -> float:
        """See `Axis.at`."""
        return float(range(self._low, self._high + 1)[index])

    def beside(self, place: float) -> list[float]:
        """See `Axis.beside`."""
        here = self.value(place)
        return [self.place(one) for one in (here - 1, here + 1) if self._low <= one <= self._high]


class ChoiceAxis(Axis):
    """Categories or numbers of a list, with the same share of the way each."""

    @cached_property
    def choices(self) -> tuple[float | str, ...]:
        """The values in their order."""
        if self.parameter.kind is ParameterKind.CATEGORICAL:
            return self.parameter.categories
        return tuple(float(number) for number in self.parameter.numbers)

    @property
    def count(self) -> int:
        """See `Axis.count`."""
        return len(self.choices)

    def value(self, place: float) -> float | str:
        """See `Axis.value`."""
        return self.choices[min(self.count - 1, max(0, int(place * self.count)))]

    def place(self, value: float | str) -> float:
        """See `Axis.place`."""
        return (self.choices.index(value) + 0.5) / self.count

    def at(self, index: int) -> float | str:
        """See `Axis.at`."""
        return self.choices[index]

    def beside(self, place: float) -> list[float]:
        """See `Axis.beside`."""
        here = self.choices.index(self.value(place))
        is_ordered = self.parameter.kind is ParameterKind.DISCRETE
        return [
            (index + 0.5) / self.count
            for index in range(self.count)
            if index != here and (abs(index - here) == 1 or not is_ordered)
        ]


def axis_of(parameter: Parameter) -> Axis:
    """Return the axis of a parameter."""
    kinds = {ParameterKind.DOUBLE: DoubleAxis, ParameterKind.INTEGER: IntegerAxis}
    return kinds.get(parameter.kind, ChoiceAxis)(parameter)


class _Range:
    """A range on its scale."""

    def __init__(self, low: float, high: float, scale: Scale | None) -> None:
        self._low, self._high = low, high
        self._is_log = scale in {Scale.LOG, Scale.REVERSE_LOG} and low > 0
        self._is_reversed = scale is Scale.REVERSE_LOG

    def number(self, place: float) -> float:
        if not self._is_log:
            return self._low + (self._high - self._low) * place
        if self._is_reversed:
            return self._low + self._high - self._exponential(1 - place)
        return self._exponential(place)

    def place(self, number: float) -> float:
        if self._high <= self._low:
            return 0.5
        if not self._is_log:
            place = (number - self._low) / (self._high - self._low)
        elif self._is_reversed:
            place = 1 - self._logarithm(self._low + self._high - number)
        else:
            place = self._logarithm(number)
        return min(1.0, max(0.0, place))

    def _exponential(self, place: float) -> float:
        return self._low * math.exp(place * math.log(self._high / self._low))

    def _logarithm(self, number: float) -> float:
        return math.log(number / self._low) / math.log(self._high / self._low)


def _bounds(parameter: Parameter) -> tuple[float, float]:
    if parameter.minimum is None or parameter.maximum is None:
        raise ValueError(f"{parameter.name} has no bounds")
    return parameter.minimum, parameter.maximum
