"""The space that the annotations of a cell tell."""

from __future__ import annotations

import pytest

from mlmagic.errors import CellError
from mlmagic.source.features import FeatureFiles
from mlmagic.source.search import annotated_space, lists_of_words
from mlmagic.spec.space_text import values_text
from mlmagic.spec.study import Parameter

IMPORTS = "from typing import Annotated, Literal, Optional\n"


def space(build, parameters: str, before: str = "", fixed: tuple[str, ...] = ()) -> dict[str, str]:
    package = build(f"{IMPORTS}{before}\ndef train({parameters}):\n    pass\n")
    return {item.name: values_text(item) for item in annotated_space(package, fixed)}


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("lr: Annotated[float, 'log:1e-4..1e-1'] = 0.01", "log:0.0001..0.1"),
        ("units: Annotated[int, '16..256'] = 64", "16..256"),
        ("rate: Annotated[float, '0..1'] = 0.5", "0.0..1.0"),
        ("rate: Annotated[float, 'int:0..1'] = 0.5", "0..1"),
        ("rate: Annotated[int, '1..4'] = 0.5", "1.0..4.0"),
        ("batch: Annotated[int, '32;64'] = 32", "32;64"),
        ("kind: Annotated[str, 'a|b'] = 'a'", "a|b"),
        ("fast: Annotated[bool, 'true|false'] = True", "true|false"),
        ("kind: Literal['relu', 'tanh'] = 'relu'", "relu|tanh"),
        ("depth: Literal[4, 2] = 4", "2;4"),
        ("lr: Optional[Annotated[float, '0.1..0.5']] = None", "0.1..0.5"),
        ("lr: Annotated[float, '0.1..0.5'] | None = None", "0.1..0.5"),
        ("lr: Annotated[float, 'the learning rate', '0.1..0.5'] = 0.2", "0.1..0.5"),
        ("lr: 'Annotated[float, \"0.1..0.5\"]' = 0.2", "0.1..0.5"),
        ("*, lr: Annotated[float, '0.1..0.5']", "0.1..0.5"),
    ],
)
def test_annotations_that_tell_values(build, parameter: str, values: str) -> None:
    assert list(space(build, parameter).values()) == [values]


@pytest.mark.parametrize(
    "parameter",
    [
        "epochs: int = 5",
        "fast: bool = False",
        "lr: Annotated[float, 'how fast it learns ...'] = 0.1",
        "lr: Annotated[float, 3, some('1..2')] = 0.1",
        "kind: Literal['relu'] = 'relu'",
        "lr: Annotated[float, 'int: a whole number, or nearly'] = 0.1",
        "since: Annotated[str, '2024-01-01'] = ''",
        "ms: list[Literal['a', 'b']] = ['a']",
    ],
)
def test_other_annotations_tell_none(build, parameter: str) -> None:
    assert space(build, parameter, before="def some(text):\n    return text") == {}


def test_names_are_typed_with_underscores(build) -> None:
    assert space(build, "learning_rate: Annotated[float, '0.1..1.0'] = 0.1, _x: Annotated[int, '1..2'] = 1") == {
        "learning_rate": "0.1..1.0",
        "x": "1..2",
    }


def test_an_alias_tells_them_too(build) -> None:
    assert space(build, "lr: Rate = 0.1", before="Rate = Annotated[float, '0.1..1.0']") == {"lr": "0.1..1.0"}


def test_constants_of_a_script(build) -> None:
    package = build(f"{IMPORTS}EPOCHS: Annotated[int, '1..5'] = 3\nUNITS = 3\nprint(EPOCHS, UNITS)\n")
    (parameter,) = annotated_space(package)
    assert (parameter.name, values_text(parameter)) == ("epochs", "1..5")


def test_build_model_has_its_own_and_those_that_it_shares(build) -> None:
    parameters = "units: Annotated[int, '8..64'] = 8, batch_size: Annotated[int, '32;64'] = 32"
    made = FeatureFiles(files={"trainer/features.py": b""}, flags=())
    package = build(f"{IMPORTS}def build_model(features, {parameters}):\n    pass\n", features=lambda: made)
    found = {item.name: values_text(item) for item in annotated_space(package)}
    assert found == {"units": "8..64", "batch_size": "32;64"}


def test_fixed_flags_are_not_tuned(build) -> None:
    parameters = "kind: Literal['a', 'b'] = 'a', units: Annotated[int, '1..x'] = 1"
    assert space(build, parameters, fixed=("units",)) == {"kind": "a|b"}


def test_values_that_cannot_be_read_are_told_at_once(build) -> None:
    parameters = "lr: Annotated[float, 'lgo:1e-4..1'] = 0.1, units: Annotated[int, '9..1'] = 1, n: Literal[1, 1] = 1"
    with pytest.raises(CellError, match="annotations of the cell do not tell which values to try:") as caught:
        space(build, parameters)
    assert caught.value.problems == (
        "`lr`, 'lgo:1e-4..1': lgo: is not known. Did you mean log?",
        "`units`, '9..1': the lower bound 9 is not below the upper one, 1",
        "`n`: its numbers must increase, and 1 does not come after 1",
    )


@pytest.mark.parametrize(
    ("parameter", "told"),
    [
        ("lr: Annotated[float, 'log:1e-4-1e-1'] = 0.1", "`lr`, 'log:1e-4-1e-1'"),
        ("lr: Annotated[float, 'reverse-log: 1e-4 1e-1'] = 0.1", "`lr`, 'reverse-log: 1e-4 1e-1'"),
        ("units: Annotated[int, '16,256'] = 16", "`units`, '16,256'"),
        ("units: Annotated[int, '16-256'] = 16", "`units`, '16-256'"),
        ("units: Annotated[int, '[16, 256]'] = 16", "`units`, '[16, 256]'"),
    ],
)
def test_values_without_a_form_are_refused_though_others_have_one(build, parameter: str, told: str) -> None:
    with pytest.raises(CellError) as caught:
        space(build, f"{parameter}, rate: Annotated[float, '0.1..0.5'] = 0.2")
    assert caught.value.problems == (f"{told}: between its bounds stands no .., nor ; or | between values",)
    assert caught.value.hint.startswith("VALUES are 16..256 (whole numbers)")


def test_of_words_that_come_as_a_list_none_is_searched(build) -> None:
    package = build(f"{IMPORTS}def train(ms: list[Literal['a', 'b']] = ['a'], k: Literal['a', 'b'] = 'a'):\n    pass\n")
    assert [item.name for item in annotated_space(package)] == ["k"]
    assert (lists_of_words(package), lists_of_words(package, {"ms"})) == (("ms",), ())
    several = "ns: Annotated[list[int], '1;2'] = [1]"
    assert space(build, several) == {"ns": "1;2"}


def test_a_cell_with_a_wrong_range_still_trains(build) -> None:
    package = build(f"{IMPORTS}def train(lr: Annotated[float, '1..x'] = 0.1):\n    pass\n")
    assert [(flag.option, flag.type, flag.search) for flag in package.flags] == [("--lr", "float", "1..x")]


def test_a_parameter_is_the_same_noun_as_one_that_is_typed(build) -> None:
    package = build(f"{IMPORTS}def train(kind: Literal['a', 'b'] = 'a'):\n    pass\n")
    assert annotated_space(package) == (Parameter(name="kind", kind="CATEGORICAL", categories=("a", "b")),)
