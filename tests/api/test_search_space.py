"""The search space, as users say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.api.search_space import read_space, space_text, whole_space
from mlmagic.errors import UsageError
from mlmagic.source.build import build_package
from mlmagic.source.history import Cell
from mlmagic.spec.study import Parameter, ParameterKind

LINE = "lr=log:0.0001..0.1,units=16..256,activation=relu|tanh,batch=32;64;128,use_bias=true|false"
HINT = "A space is NAME=VALUES, with commas between. VALUES are 16..256 (whole numbers), "


def problems_of(space: Any) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read_space(space, "--space")
    assert caught.value.message == "--space cannot be read:"
    assert str(caught.value.hint).startswith(HINT)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    "space",
    [
        LINE,
        LINE.replace(",", " ,\n ").replace("=", " = ") + ",",
        LINE.split(","),
        list(read_space(LINE)),
        [LINE.partition(",")[0], *read_space(LINE)[1:]],
        {
            "lr": "log:1e-4..1e-1",
            "units": (16, 256),
            "activation": ["relu", "tanh"],
            "batch": [32, 64, 128],
            "use_bias": [True, False],
        },
        {"lr": "log:1e-4..1e-1", "units": read_space("n=16..256")[0]}
        | {"activation": ("relu", "tanh"), "batch": list(np.array([32, 64, 128])), "use_bias": "true|false"},
    ],
    ids=["line", "lines", "list of lines", "parameters", "both", "mapping", "other mapping"],
)
def test_ways_to_say_the_same(space: str | Mapping[str, Any] | Sequence[str | Parameter]) -> None:
    assert space_text(read_space(space)) == LINE


def test_numbers_of_a_mapping_are_of_the_type_that_they_have() -> None:
    whole, some = read_space({"a": (1, 2), "b": (1, 2.0)})
    assert (whole.kind, some.kind) == (ParameterKind.INTEGER, ParameterKind.DOUBLE)


def test_conditions() -> None:
    line = "momentum[optimizer = sgd|'rms,prop'] = 0.0..0.99, optimizer=adam|sgd|'rms,prop', decay[momentums=2]=1|2"
    found = read_space(line.replace("decay", "momentums=1..3,decay"))
    told = "optimizer=adam|sgd|'rms,prop',momentum[optimizer=sgd|'rms,prop']=0.0..0.99"
    assert space_text(found) == f"{told},momentums=1..3,decay[momentums=2]=1|2"
    assert read_space({"momentum[optimizer=sgd]": (0.0, 1.0), "optimizer": ["sgd", "adam"]}) == read_space(
        "momentum[optimizer=sgd]=0.0..1.0,optimizer=sgd|adam"
    )


def test_all_problems_are_told_in_their_order_each_with_its_place() -> None:
    line = "lr=lgo:1..2, x=5..1,z,=1..2,m[o=1]=1|2,k[x=1=1..2,v=5,x=1|2,w[x]=1|2,2y=a|b,d[lr=1]=1|2"
    assert problems_of(line) == [
        "lr=lgo:1..2 (column 1): lgo: is not known. Did you mean log?",
        "x=5..1 (column 14): the lower bound 5 is not below the upper one, 1",
        "z (column 21): it has no values",
        "=1..2 (column 23): it does not begin with NAME= or NAME[PARENT=VALUE]=",
        "m[o=1]=1|2 (column 29): it depends on 'o', which is not tuned.",
        "k[x=1=1..2 (column 40): its [ is not closed",
        "v=5 (column 51): '5' is nothing to choose from; a fixed value is given after --, as --v=5",
        "x=1|2 (column 55): it stands there twice",
        "w[x]=1|2 (column 61): [x] is no condition; it is [PARENT=VALUE]",
        "2y=a|b (column 70): no flag can be called so: a letter or _, then letters, digits, _, - and .",
    ]


def test_places_in_several_lines() -> None:
    assert problems_of("lr=0.1..0.2\n  units=9..1,\nact=relu") == [
        "units=9..1 (line 2, column 3): the lower bound 9 is not below the upper one, 1",
        "act=relu (line 3, column 1): 'relu' is nothing to choose from; a fixed value is given after --, as --act=relu",
    ]


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ({"lr": 0.1}, "lr: float 0.1 is neither a text, nor (LOW, HIGH), nor a list"),
        ({"lr": None}, "lr: it has no values"),
        ({"lr": []}, "lr: it has no values"),
        ({"lr": range(3)}, "lr: range range(0, 3) is neither a text, nor (LOW, HIGH), nor a list"),
        ({"lr": (1, 2, 3)}, "lr: (1, 2, 3) is not (LOW, HIGH); numbers one by one are a list"),
        ({"lr": [1, "a"]}, "lr: 'a' is not a number, and the others are not all words"),
        ({"lr": [1, None]}, "lr: None is not a number, and the others are not all words"),
        ({"lr": (float("nan"), 1)}, "lr: its numbers must be finite"),
        ({"lr": (0, 10**400)}, "lr: its numbers must be finite"),
        ({"lr[": "1..2"}, "lr[: its [ is not closed"),
        ({"lr=": "1..2"}, "lr=: it does not begin with NAME= or NAME[PARENT=VALUE]="),
        ({5: "1..2"}, "5: no flag can be called so: a letter or _, then letters, digits, _, - and ."),
    ],
)
def test_what_else_is_no_space(space: object, problem: str) -> None:
    assert problems_of(space) == [problem]


@pytest.mark.parametrize("space", ["", " , \n", {}, []])
def test_an_empty_space(space: Any) -> None:
    with pytest.raises(UsageError, match=r"^space is empty: there is nothing to tune\."):
        read_space(space)


def test_what_is_no_space_at_all() -> None:
    with pytest.raises(UsageError, match=r"^space must be a text or a mapping, not float 0\.1\."):
        read_space(0.1)
    with pytest.raises(UsageError, match=r"^space holds texts and Parameters, not dict \{'lr': 1\}\."):
        read_space([{"lr": 1}])


WORDS = st.lists(st.text(st.characters(exclude_characters="\0"), max_size=5), min_size=2, max_size=4, unique=True)


@given(WORDS, WORDS)
def test_any_words_can_be_typed(first: list[str], second: list[str]) -> None:
    parameters = read_space({"a": first, "b": second})
    assert read_space(space_text(parameters)) == parameters


@given(st.text(alphabet="ab=[]|;.,:'\" 12\n", max_size=40))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        parameters = read_space(line)
    except UsageError:
        return
    assert read_space(space_text(parameters)) == parameters


def test_flags_that_the_arguments_set_are_not_tuned(tmp_path: Path) -> None:
    source = (
        "from typing import Literal\ndef train(kind: Literal['a', 'b'] = 'a', depth: Literal[1, 2] = 1):\n    pass\n"
    )
    package = build_package("taxi", Cell(source=source), local_modules=lambda _: None)
    assert [item.name for item in whole_space(package)[0]] == ["kind", "depth"]
    assert [item.name for item in whole_space(package, args=["--kind", "b"])[0]] == ["depth"]
    assert [item.name for item in whole_space(package, args=["--depth=2"])[0]] == ["kind"]
