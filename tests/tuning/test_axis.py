"""Parameters as ways from 0 to 1."""

from collections import Counter

import pytest

from mlmagic.spec.study import Parameter, ParameterKind, Scale
from mlmagic.tuning.axis import axis_of


def _double(low: float, high: float, scale: Scale | None = None) -> Parameter:
    return Parameter(name="p", kind=ParameterKind.DOUBLE, minimum=low, maximum=high, scale=scale)


@pytest.mark.parametrize(
    ("scale", "middle"),
    [(Scale.LINEAR, 50.5), (Scale.LOG, 10.0), (Scale.REVERSE_LOG, 91.0)],
    ids=["linear", "log", "reverse"],
)
def test_the_scale_says_what_lies_in_the_middle(scale: Scale, middle: float) -> None:
    axis = axis_of(_double(1, 100, scale))
    assert axis.value(0.5) == pytest.approx(middle, rel=1e-4)
    assert [axis.value(0), axis.value(1)] == pytest.approx([1, 100])
    assert axis.place(axis.value(0.3)) == pytest.approx(0.3, abs=1e-5)


def test_numbers_have_no_more_digits_than_they_need() -> None:
    axis = axis_of(_double(1e-4, 1e-1, Scale.LOG))
    assert axis.value(0.5) == 0.0031623
    assert axis_of(_double(1e6, 1e6 + 1e-3)).value(0.5) == pytest.approx(1e6 + 5e-4, abs=1e-8)
    assert axis_of(_double(0.1, 0.3)).value(1.0) == 0.3


def test_each_integer_has_its_share_of_the_way() -> None:
    axis = axis_of(Parameter(name="p", kind=ParameterKind.INTEGER, minimum=1, maximum=4))
    counts = Counter(axis.value((place + 0.5) / 400) for place in range(400))
    assert counts == {1.0: 100, 2.0: 100, 3.0: 100, 4.0: 100}
    assert [axis.at(index) for index in range(4)] == [1, 2, 3, 4]
    assert [axis.value(place) for place in axis.beside(axis.place(4.0))] == [3.0]


def test_choices_keep_their_order_and_categories_have_none() -> None:
    numbers = axis_of(Parameter(name="p", kind=ParameterKind.DISCRETE, numbers=(1, 10, 100)))
    texts = axis_of(Parameter(name="p", kind=ParameterKind.CATEGORICAL, categories=("a", "b", "c")))
    assert [numbers.value(place) for place in (0, 0.5, 1)] == [1, 10, 100]
    assert [numbers.value(place) for place in numbers.beside(numbers.place(1.0))] == [10]
    assert [texts.value(place) for place in texts.beside(texts.place("a"))] == ["b", "c"]


@pytest.mark.parametrize("value", [0.5, 101.0, float("nan"), "x"], ids=str)
def test_what_is_no_value_has_no_place(value: float | str) -> None:
    kinds = [_double(1, 100), Parameter(name="p", kind=ParameterKind.INTEGER, minimum=1, maximum=100)]
    kinds.append(Parameter(name="p", kind=ParameterKind.DISCRETE, numbers=(1, 2)))
    for parameter in kinds:
        with pytest.raises(ValueError):
            axis_of(parameter).place(value)


def test_what_is_dense_cannot_be_counted() -> None:
    axis = axis_of(_double(0, 1))
    assert axis.count is None
    assert axis.beside(0.5) == []
    with pytest.raises(IndexError):
        axis.at(0)
