"""What a study searches, as the suggesters see it: axes, and which of them apply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlmagic.spec.study import Parameter
from mlmagic.tuning.axis import Axis, axis_of

if TYPE_CHECKING:
    # Kernels look at spaces too, and shall not come to scipy by way of the suggesters.
    from mlmagic.tuning.suggester import Values

Key = tuple[tuple[str, str], ...]
"""The texts of a point: two points are the same if a program could not tell them apart."""

Places = tuple[float | None, ...]
"""Where a point is on each axis; None on those that do not apply."""

_MIDDLE = 0.5


class Space:
    """The points of a search. Those parameters that do not apply are no part of a point."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.axes: tuple[Axis, ...] = tuple(axis_of(parameter) for parameter in parameters)
        self.parents = frozenset(parameter.condition.parameter for parameter in parameters if parameter.condition)
        """The names of those that others depend on."""

    def point(self, places: Sequence[float | None]) -> dict[str, float | str]:
        """Return the point at a place on each axis; where an axis does not apply, its place says nothing."""
        values: dict[str, float | str] = {}
        texts: dict[str, str] = {}
        for axis, place in zip(self.axes, places, strict=True):
            if axis.parameter.applies(texts):
                name = axis.parameter.name
                values[name] = axis.value(_MIDDLE if place is None else place)
                texts[name] = axis.parameter.text(values[name])
        return values

    def nearest(self, places: Sequence[float | None]) -> Places:
        """Return the places of the point at some places."""
        if not self.parents:
            return tuple(
                axis.nearest(_MIDDLE if place is None else place) for axis, place in zip(self.axes, places, strict=True)
            )
        found: list[float | None] = []
        texts: dict[str, str] = {}
        for axis, place in zip(self.axes, places, strict=True):
            if not axis.parameter.applies(texts):
                found.append(None)
                continue
            found.append(axis.nearest(_MIDDLE if place is None else place))
            if axis.parameter.name in self.parents:
                texts[axis.parameter.name] = axis.parameter.text(axis.value(_MIDDLE if place is None else place))
        return tuple(found)

    def places(self, values: Values) -> Places | None:
        """Return where a point is on each axis, None on those that do not apply; None if it lies outside."""
        places: list[float | None] = []
        texts: dict[str, str] = {}
        for axis in self.axes:
            name = axis.parameter.name
            if axis.parameter.applies(texts) != (name in values):
                return None
            try:
                places.append(axis.place(values[name]) if name in values else None)
            except ValueError:
                return None
            if name in values:
                texts[name] = axis.parameter.text(values[name])
        return tuple(places) if len(texts) == len(values) else None

    def key(self, values: Values) -> Key:
        """Return what tells a point from others."""
        return tuple(
            (axis.parameter.name, axis.parameter.text(values[axis.parameter.name]))
            for axis in self.axes
            if axis.parameter.name in values
        )

    @property
    def count(self) -> int | None:
        """How many points there are; None where some lie dense."""
        roots = [self._count(axis) for axis in self.axes if axis.parameter.condition is None]
        return None if None in roots else math.prod(one for one in roots if one is not None)

    def points(self) -> Iterator[dict[str, float | str]]:
        """Go through all the points of a countable space; the last parameter changes first."""
        yield from self._points(0, {}, {})

    def _count(self, axis: Axis) -> int | None:
        """Count the values of a parameter together with those of the parameters that depend on it."""
        count, name = axis.count, axis.parameter.name
        if count is None:
            return None
        children = [one for one in self.axes if one.parameter.condition and one.parameter.condition.parameter == name]
        if not children:
            return count
        # Those that no condition names, of which there may be millions, count once each.
        named = {text for child in children for text in _named(child.parameter) if _has(axis, text)}
        total = count - len(named)
        for text in named:
            counts = [self._count(child) for child in children if child.parameter.applies({name: text})]
            if None in counts:
                return None
            total += math.prod(one for one in counts if one is not None)
        return total

    def _points(
        self, depth: int, values: Mapping[str, float | str], texts: Mapping[str, str]
    ) -> Iterator[dict[str, float | str]]:
        if depth == len(self.axes):
            yield dict(values)
            return
        axis = self.axes[depth]
        if not axis.parameter.applies(texts):
            yield from self._points(depth + 1, values, texts)
            return
        for index in range(axis.count or 0):
            value = axis.at(index)
            name = axis.parameter.name
            text = axis.parameter.text(value)
            yield from self._points(depth + 1, {**values, name: value}, {**texts, name: text})


def _named(parameter: Parameter) -> Sequence[str]:
    return parameter.condition.values if parameter.condition else ()


def _has(axis: Axis, text: str) -> bool:
    """Say whether a text is that of one of the parameter's values."""
    try:
        value = axis.parameter.value(text)
        axis.place(value)
    except ValueError:
        return False
    return axis.parameter.text(value) == text
