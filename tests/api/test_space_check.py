"""A space is checked against the program that is to take its values."""

from __future__ import annotations

import pytest

from mlmagic.api.search_space import read_space
from mlmagic.api.space_check import check_space, space_notes
from mlmagic.source.build import build_package
from mlmagic.source.history import Cell
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.spec.study import Algorithm, Parameter, ParameterKind

TRAIN = """
from pathlib import Path
from typing import Literal
def train(units: int = 8, rate: float = 0.1, kind: Literal["relu", "tanh"] = "relu", depth: Literal[1, 2, 4] = 1,
          shuffle: bool = True, name: str = "a", folder: Path = Path("."), layers: list[int] = (1,), batch_size=32):
    pass
"""


def package_of(source: str) -> TrainerPackage:
    return build_package("taxi", Cell(source=source), local_modules=lambda _: None)


@pytest.fixture(scope="module")
def package() -> TrainerPackage:
    return package_of(TRAIN)


@pytest.mark.parametrize(
    "space",
    [
        "units=1..9,rate=0.0..1.0,kind=relu|tanh,depth=1;4,shuffle=true|false,name=a|b,folder=x|y,layers=1;2",
        "units=1;2,rate=1..2,kind=tanh|relu,depth=1..2,shuffle=0..1,name=0.5..1.0,batch_size=16;32",
        "units=1|2,rate=0.5|1e-3,depth=1|2,shuffle=True|FALSE,name=1;2,batch-size=16..32",
        "shuffle=0;1,name=1..5",
    ],
)
def test_what_the_program_takes(package: TrainerPackage, space: str) -> None:
    assert check_space(read_space(space), package) == []


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ("unit=1..9", "unit: the program has no flag --unit. Did you mean --units?"),
        ("x=1..9", "x: the program has no flag --x."),
        ("units=0.5..9", "units: --units takes whole numbers, and 0.5..9.0 has others; a range of them is 1..10"),
        ("units=1;2.5", "units: --units takes whole numbers, not '2.5'"),
        ("units=1|many|1e3", "units: --units takes whole numbers, not 'many' or '1e3'"),
        ("layers=1|1 2", "layers: --layers takes whole numbers, not '1 2'"),
        ("rate=low|0.5", "rate: --rate takes numbers, not 'low'"),
        ("kind=relu|gelu", "kind: --kind takes relu or tanh, not 'gelu'"),
        ("kind=1..3", "kind: --kind takes relu or tanh, not '1' or '2' or '3'"),
        ("depth=1..9", "depth: --depth takes 1 or 2 or 4, not '3'"),
        ("depth=1;2;3", "depth: --depth takes 1 or 2 or 4, not '3'"),
        ("depth=1.0..4.0", "depth: --depth takes 1 or 2 or 4, and 1.0..4.0 is a range of any numbers"),
        ("shuffle=yes|no", "shuffle: --shuffle takes true or false, not 'yes' or 'no'"),
        ("shuffle=0.0..1.0", "shuffle: --shuffle takes true or false, and 0.0..1.0 is a range of any numbers"),
    ],
)
def test_what_it_does_not_take(package: TrainerPackage, space: str, problem: str) -> None:
    assert check_space(read_space(space), package) == [problem]


@pytest.mark.parametrize("args", [["--units", "4"], ["--units=4"], ["--rate=0.5", "--units=4"]])
def test_a_flag_that_the_arguments_set(package: TrainerPackage, args: list[str]) -> None:
    told = "units: the arguments set it too; take it out of them, or out of the space"
    assert check_space(read_space("units=1..9"), package, args=args) == [told]


@pytest.mark.parametrize("args", [["--batch-size", "4"], ["--batch_size=4"]])
def test_both_spellings_of_a_flag_are_the_same(package: TrainerPackage, args: list[str]) -> None:
    assert len(check_space(read_space("batch-size=1..9"), package, args=args)) == 1
    assert len(check_space(read_space("batch_size=1..9"), package, args=args)) == 1


def test_a_grid_has_no_points_in_a_range_of_any_numbers(package: TrainerPackage) -> None:
    space = read_space("rate=log:0.1..1.0,units=1..9")
    assert check_space(space, package, algorithm=Algorithm.RANDOM) == []
    assert check_space(space, package, algorithm=Algorithm.GRID) == [
        "rate: a grid has no points in log:0.1..1.0; list them, as in 0.1;0.2;0.5, or use another algorithm"
    ]


def test_all_that_is_wrong_is_told_at_once(package: TrainerPackage) -> None:
    made_by_hand = Parameter(name="rate", kind=ParameterKind.DOUBLE, minimum=2, maximum=1)
    problems = check_space((made_by_hand, *read_space("x=1..2,units=0.1..0.2")), package, args=["--units=4"])
    assert len(problems) == 4
    assert problems[0] == "rate: the lower bound 2 is not below the upper one, 1"


def test_a_function_without_parameters() -> None:
    package = package_of("def train():\n    pass\n")
    assert check_space(read_space("x=1..2"), package) == ["x: the program has no flag --x."]


@pytest.mark.parametrize(("space", "count"), [("units=1..9", 0), ("unit=1..9", 1)])
def test_the_constants_of_a_script_are_flags(space: str, count: int) -> None:
    assert len(check_space(read_space(space), package_of("UNITS = 3\nprint(UNITS)\n"))) == count


def test_a_script_that_reads_its_arguments_itself_may_take_all() -> None:
    package = package_of("import sys\nprint(sys.argv)\n")
    assert check_space(read_space("units=1..9"), package) == []
    assert check_space(read_space("units=1..9"), package, args=["--units=4"]) != []


def test_a_range_of_whole_numbers_for_a_flag_that_takes_any_is_told(package: TrainerPackage) -> None:
    notes = space_notes(read_space("rate=0..1,units=1..9"), package)
    assert notes == ("rate is a whole number, from 0 to 1; rate=0.0..1.0 is any",)


def test_what_a_given_package_does_not_declare_is_told() -> None:
    task = b"import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', type=float)\n"
    package = TrainerPackage(shape=CellShape.GIVEN, files={"trainer/task.py": task}, digest="0")
    assert space_notes(read_space("lr=0.1..1.0"), package) == ()
    notes = space_notes(read_space("lr=0.1..1.0,units=1..9,x=1..2"), package)
    assert notes == ("the package nowhere declares --units, --x: see that its program takes it",)
