"""What makes sense in a search space, and in which order it stands."""

from __future__ import annotations

import pytest

from mlmagic.spec.space_rules import arranged, name_problems, parameter_problems
from mlmagic.spec.space_text import parse_values
from mlmagic.spec.study import Condition, Parameter, ParameterKind, Scale


def parameter(name: str, values: str, parent: str = "", *when: str) -> Parameter:
    condition = Condition(parameter=parent, values=when) if parent else None
    found = parse_values(name, values)
    return Parameter(
        name=name,
        kind=found.kind,
        minimum=found.minimum,
        maximum=found.maximum,
        categories=found.categories,
        numbers=found.numbers,
        scale=found.scale,
        condition=condition,
    )


def names(parameters: tuple[Parameter, ...]) -> list[str]:
    return [item.name for item in parameters]


def test_parents_come_first_and_else_nothing_moves() -> None:
    given = [
        parameter("decay", "0.0..1.0", "momentum", "1"),
        parameter("momentum", "1..2", "optimizer", "sgd"),
        parameter("lr", "0.1..1.0"),
        parameter("optimizer", "sgd|adam"),
        parameter("units", "1..9"),
    ]
    found, problems = arranged(given)
    assert names(found) == ["lr", "optimizer", "momentum", "decay", "units"]
    assert problems == []


@pytest.mark.parametrize(
    ("values", "told", "text"),
    [("1..9", "2.0", "2"), ("1;2;4", "2.0", "2"), ("1;2.5", "1", "1.0"), ("a|b", "b", "b"), ("1|2", "2", "2")],
)
def test_conditions_are_written_as_their_parents_values(values: str, told: str, text: str) -> None:
    (_, child), problems = arranged([parameter("parent", values), parameter("child", "1..2", "parent", told, told)])
    assert problems == []
    assert child.condition == Condition(parameter="parent", values=(text,))


@pytest.mark.parametrize(
    ("parent", "when", "told"),
    [
        ("1..9", ("10",), "parent is never '10': it is 1 to 9"),
        ("1..9", ("2.5", "x"), "parent is never '2.5' or 'x': it is 1 to 9"),
        ("1;2;4", ("3",), "parent is never '3': it is 1 or 2 or 4"),
        ("a|b|c|d|e|f", ("g",), "parent is never 'g': it is a or b or c or d or e …"),
        ("0.0..1.0", ("0.5",), "it depends on parent, whose values cannot be listed: it is a range of any numbers"),
        ("a|b", (), "it does not say for which values of parent it is there"),
    ],
)
def test_conditions_that_cannot_be_met(parent: str, when: tuple[str, ...], told: str) -> None:
    _, problems = arranged([parameter("parent", parent), parameter("child", "1..2", "parent", *when)])
    assert problems == [(1, told)]


def test_a_parent_that_is_not_there() -> None:
    child = parameter("child", "1..2", "optimiser", "sgd")
    _, problems = arranged([parameter("optimizer", "a|sgd"), child])
    assert problems == [(1, "it depends on 'optimiser', which is not tuned. Did you mean optimizer?")]
    assert arranged([child], unread={"optimiser"})[1] == []


def test_parameters_that_depend_on_each_other() -> None:
    circle = [parameter("a", "1..2", "b", "1"), parameter("b", "1..2", "a", "1"), parameter("c", "1..2")]
    found, problems = arranged(circle)
    assert names(found) == ["c"]
    assert problems == [(0, "there is no first one among a, b: each is there only where another is")]


def test_names_that_are_the_same_flag() -> None:
    _, problems = arranged([parameter("batch_size", "1..2"), parameter("batch-size", "3..4")])
    assert problems == [(1, "it stands there twice")]


@pytest.mark.parametrize("name", ["lr", "_x", "größe", "fare.buckets", "batch-size", "L2"])
def test_names(name: str) -> None:
    assert name_problems(name) == []


@pytest.mark.parametrize("name", ["", "2x", "--lr", "a b", "a=b", "a,b", "é!", "x" * 129])
def test_names_that_no_flag_can_have(name: str) -> None:
    assert name_problems(name) == ["no flag can be called so: a letter or _, then letters, digits, _, - and ."]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("2..1", ["the lower bound 2 is not below the upper one, 1"]),
        ("1.0..1.0", ["the lower bound 1 is not below the upper one, 1"]),
        ("0.0..1e999", ["its numbers must be finite"]),
        ("int:0.5..2.5", ["0.5 and 2.5: the bounds of whole numbers are whole"]),
        ("0..9007199254740994", ["whole numbers beyond 2**53 cannot be told apart"]),
        ("log:0..1", ["a logarithmic scale needs numbers above 0, and 0 is not"]),
        ("reverse_log:-1;2", ["a logarithmic scale needs numbers above 0, and -1 is not"]),
        ("1;1", ["its numbers must increase, and 1 does not come after 1"]),
        ("a|b|a|b", ["'a', 'b' stands there twice"]),
        ("a\0|b", ["a word cannot hold a NUL character"]),
        (";".join(map(str, range(1001))), ["1001 values are more than 1000"]),
        ("|".join(map(str, range(1001))), ["1001 values are more than 1000"]),
    ],
    ids=lambda value: str(value)[:30].replace("\0", "NUL") if isinstance(value, str) else "",
)
def test_values_that_make_no_sense(values: str, told: list[str]) -> None:
    assert parameter_problems(parameter("x", values)) == told


def test_what_only_a_parameter_made_by_hand_can_lack() -> None:
    bare = {kind: parameter_problems(Parameter(name="x", kind=kind, scale=Scale.LOG)) for kind in ParameterKind}
    assert bare[ParameterKind.DOUBLE] == bare[ParameterKind.INTEGER] == ["it needs a lower and an upper bound"]
    assert bare[ParameterKind.DISCRETE] == bare[ParameterKind.CATEGORICAL] == ["it has no values"]
    scaled = Parameter(name="x", kind=ParameterKind.CATEGORICAL, categories=("a",), scale=Scale.LOG)
    assert parameter_problems(scaled) == ["words have no scale"]
