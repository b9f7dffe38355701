"""The points of a search."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.search_spaces import BATCH, COUNTABLE, EVERYTHING, NESTEROV, OPTIMIZER, UNITS, spaces

from mlmagic.spec.study import Condition, Parameter, ParameterKind
from mlmagic.tuning.space import Space


@given(spaces(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_point_is_in_its_space_and_its_texts_say_what_it_is(
    parameters: tuple[Parameter, ...], data: st.DataObject
) -> None:
    space = Space(parameters)
    point = space.point([data.draw(st.floats(0, 1)) for _ in parameters])
    places = space.places(point)
    assert places is not None
    assert space.places(space.point(places)) == pytest.approx(places, abs=2e-5)
    texts = dict(space.key(point))
    assert {
        name: axis.parameter.value(texts[name]) for axis in space.axes if (name := axis.parameter.name) in texts
    } == point


@given(spaces(), st.data())
@settings(max_examples=100, deadline=None)
def test_the_nearest_places_are_those_of_the_point(parameters: tuple[Parameter, ...], data: st.DataObject) -> None:
    space = Space(parameters)
    places = [data.draw(st.floats(0, 1)) for _ in parameters]
    nearest = space.nearest(places)
    assert space.key(space.point(nearest)) == space.key(space.point(places))
    assert space.nearest(nearest) == nearest


def test_the_points_of_a_countable_space() -> None:
    space = Space(COUNTABLE)
    points = list(space.points())
    assert len({space.key(point) for point in points}) == len(points) == space.count == 12
    assert points[0] == {"batch": 32.0, "optimizer": "adam"}
    assert points[1] == {"batch": 32.0, "optimizer": "sgd", "nesterov": "true"}


def test_counting_needs_no_enumeration() -> None:
    assert (
        Space((UNITS, *(Parameter(name=f"u{n}", kind=UNITS.kind, minimum=1, maximum=10**6) for n in range(9)))).count
        == 241 * 10**54
    )
    assert Space(EVERYTHING).count is None


def test_of_a_parent_only_the_values_that_are_named_are_looked_at() -> None:
    seed = Parameter(name="seed", kind=ParameterKind.INTEGER, minimum=1, maximum=2**32 - 1)
    # 5.0 and 05 are no texts of 5, 0 and high no values.
    named = Condition(parameter="seed", values=("5", "7", "5.0", "05", "0", "high"))
    depth = Parameter(name="depth", kind=ParameterKind.INTEGER, minimum=1, maximum=10, condition=named)
    width = dataclasses.replace(depth, name="width", condition=Condition(parameter="seed", values=("7",)))
    assert Space((seed, depth, width)).count == 2**32 - 1 - 2 + 10 + 100
    small = dataclasses.replace(seed, maximum=9)
    assert Space((small, depth, width)).count == len(list(Space((small, depth, width)).points())) == 7 + 10 + 100


@given(spaces())
@settings(max_examples=200, deadline=None)
def test_there_are_as_many_points_as_are_counted(parameters: tuple[Parameter, ...]) -> None:
    space = Space(parameters)
    if space.count is not None and space.count < 3000:
        assert len(list(space.points())) == space.count


def test_what_does_not_apply_or_is_no_value_lies_outside() -> None:
    space = Space((OPTIMIZER, NESTEROV))
    assert space.places({"optimizer": "sgd", "nesterov": "true"}) is not None
    for values in (
        {"optimizer": "adam", "nesterov": "true"},
        {"optimizer": "sgd"},
        {"optimizer": "lion"},
        {"optimizer": "adam", "units": 3.0},
    ):
        assert space.places(values) is None
    assert Space((BATCH,)).places({"batch": 33.0}) is None
