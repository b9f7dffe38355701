"""Parameters and constants become typed flags."""

from __future__ import annotations

import ast

import pytest

from mlmagic.errors import CellError
from mlmagic.source.flags import function_flags, script_flags
from mlmagic.source.task import train_task
from mlmagic.spec.package import Flag


def flags_of(signature: str, before: str = "", doc: str = "") -> tuple[tuple[Flag, ...], tuple[str, ...]]:
    tree = ast.parse(f"{before}\ndef train({signature}):\n    {doc!r}\n")
    return function_flags(tree.body[-1], tree.body, "Cell [9], line 2")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("epochs=5", ("--epochs", "int", 5)),
        ("rate=1e-3", ("--rate", "float", 0.001)),
        ("offset=-1", ("--offset", "int", -1)),
        ("learning_rate=0.1", ("--learning-rate", "float", 0.1)),
        ("name='adam'", ("--name", "str", "adam")),
        ("shuffle=True", ("--shuffle", "bool", True)),
        ("rate: float = 1", ("--rate", "float", 1)),
        ("rate: int = 0.5", ("--rate", "float", 0.5)),
        ("limit: int | None = None", ("--limit", "int", None)),
        ("limit: Optional[float] = None", ("--limit", "float", None)),
        ("limit: typing.Union[int, None] = None", ("--limit", "int", None)),
        ("limit: 'int | None' = None", ("--limit", "int", None)),
        ("rate: int | float = 1", ("--rate", "float", 1)),
        ("folder: str | Path = 'a'", ("--folder", "str", "a")),
        ("folder: Path = Path('a') / 'b'", ("--folder", "Path", "a/b")),
        ("folder=pathlib.Path('a')", ("--folder", "Path", "a")),
        ("note=None", ("--note", "str", None)),
        ("steps: Annotated[int, 'count'] = 3", ("--steps", "int", 3)),
        ("steps=2**5 * 10", ("--steps", "int", 320)),
        ("lambda_=0.5", ("--lambda", "float", 0.5)),
        ("größe=3", ("--größe", "int", 3)),
        ("dtype: np.float32 = 0.5", ("--dtype", "float", 0.5)),
        ("rate: 'not a type (' = 0.5", ("--rate", "float", 0.5)),
        ("rate: Literal[1.5] = 1.5", ("--rate", "float", 1.5)),
        ("rate: Literal[X] = 1", ("--rate", "int", 1)),
    ],
)
def test_a_parameter_becomes_a_typed_flag(parameter: str, expected: tuple[str, str, object]) -> None:
    (flag,), notes = flags_of(parameter)
    assert (flag.option, flag.type, flag.default) == expected
    assert not flag.required
    assert not flag.repeated
    assert notes == ()


@pytest.mark.parametrize(
    ("parameter", "kind", "default"),
    [
        ("units=[64, 32]", "int", [64, 32]),
        ("units=(64, 32)", "int", (64, 32)),
        ("rates=[1, 0.5]", "float", [1, 0.5]),
        ("units: list[int] = None", "int", None),
        ("units: Sequence[float] = (1,)", "float", (1,)),
        ("units: tuple[int, ...] = ()", "int", ()),
        ("names: list = ['a']", "str", ["a"]),
        ("units: list = [1]", "int", [1]),
        ("files: List[Path] | None = None", "Path", None),
        ("names=[]", "str", []),
    ],
)
def test_a_list_takes_any_number_of_values(parameter: str, kind: str, default: object) -> None:
    (flag,), _ = flags_of(parameter)
    assert flag.repeated
    assert (flag.type, flag.default) == (kind, default)


@pytest.mark.parametrize(
    ("annotation", "kind", "choices"),
    [
        ("Literal['adam', 'sgd']", "str", ("adam", "sgd")),
        ("Literal[1, 2] | None", "int", (1, 2)),
        ("Literal['a', None]", "str", ("a",)),
        ("Literal[True, False]", "bool", None),
        ("Optimizer", "str", ("adam", "sgd")),
        ("list[Literal['a', 'b']]", "str", ("a", "b")),
    ],
)
def test_literal_becomes_choices(annotation: str, kind: str, choices: tuple[object, ...] | None) -> None:
    (flag,), _ = flags_of(f"x: {annotation} = None", before="Optimizer = Literal['adam', 'sgd']")
    assert (flag.type, flag.choices) == (kind, choices)


def test_paths_in_a_list_are_paths() -> None:
    (flag,), _ = flags_of("files=[Path('a'), Path('b')]")
    assert (flag.type, flag.repeated, flag.default) == ("Path", True, ["a", "b"])
    assert 'type=Path, nargs="*", default=[Path("a"), Path("b")]' in train_task([flag], None)


def test_a_parameter_without_default_is_required() -> None:
    (first, second), notes = flags_of("steps: int, *, seed")
    assert (first.required, first.type) == (True, "int")
    assert (second.required, second.type) == (True, "str")
    assert notes == ("--seed is text: `seed` has neither a default nor an annotation",)


@pytest.mark.parametrize(
    ("before", "default", "expected"),
    [
        ("EPOCHS = 5", "EPOCHS", 5),
        ("EPOCHS = 5\nEPOCHS = 6", "EPOCHS", 6),
        ("A = 2\nB = A * 3", "B + 1", 7),
        ("A = 'a'", "A + 'b'", "ab"),
        ("match 3:\n    case {'k': 1, **rest}: pass\nA = 1", "A", 1),
        ("DATA = Path('d')", "DATA / 'x'", "d/x"),
    ],
)
def test_a_default_that_names_a_constant_has_its_value(before: str, default: str, expected: object) -> None:
    (flag,), _ = flags_of(f"x={default}", before=before)
    assert flag.default == expected
    assert flag.expression is None


@pytest.mark.parametrize(
    "before",
    [
        "EPOCHS = len('five')",
        "EPOCHS = 5\nEPOCHS += 1",
        "EPOCHS = 5\nfor EPOCHS in range(3): pass",
        "EPOCHS = 5\ndef f():\n    global EPOCHS\n    EPOCHS = 6",
        "EPOCHS = 5\nimport epochs as EPOCHS",
        "EPOCHS = 5\n[EPOCHS := 3 for _ in 'ab']",
        "EPOCHS = 5\nmatch x:\n    case [1, *EPOCHS]: pass",
        "EPOCHS = 5\nmatch x:\n    case {'k': 1, **EPOCHS}: pass",
        "EPOCHS = 5\ntry: pass\nexcept OSError as EPOCHS: pass",
        "EPOCHS = 10**400",
        "EPOCHS = 10 ** 65",
        "EPOCHS = (-8) ** 0.5",
        "EPOCHS = 1 / 0",
        "EPOCHS = -'a'",
        "EPOCHS = 'a' * 3",
        "EPOCHS = Path(3)",
    ],
)
def test_a_default_that_only_the_program_knows_is_left_to_it(before: str) -> None:
    (flag,), _ = flags_of("epochs: int = EPOCHS", before=before)
    assert flag.expression == "EPOCHS"
    assert (flag.type, flag.default, flag.required) == ("int", None, False)


@pytest.mark.parametrize(
    "parameter",
    [
        "opt=make()",
        "opt: Adam = None",
        "opt={}",
        "opt=Color.RED",
        "opt=[True, 1]",
        "opt=[True]",
        "opt=[[1]]",
        "x: list[bool] = None",
        "opt=object",
        "_: int = 1",
        "x: dict[str, int] = None",
    ],
)
def test_a_parameter_that_no_flag_can_have_keeps_its_default(parameter: str) -> None:
    flags, (note,) = flags_of(parameter)
    assert flags == ()
    assert "has no flag: it keeps its default" in note


def test_all_parameters_that_cannot_be_flags_are_told_at_once() -> None:
    with pytest.raises(CellError) as caught:
        flags_of("a, /, *rest, help=1, x=True, no_x=1, opt: Adam, **more")
    assert str(caught.value) == (
        "`train` (Cell [9], line 2) has parameters that cannot become flags:\n"
        "  - `a` is positional only\n"
        "  - `*rest` takes values without a name\n"
        "  - `**more` takes any name\n"
        "  - `opt: Adam` has no default, and no flag can have its type\n"
        "  - `help`: --help is taken\n"
        "  - `x`: --x is taken\n"
        "  - `no_x`: --no-x is taken\n"
        "What works: a name with a default or annotation of int, float, str, bool, Path, Literal, or a list."
    )


GOOGLE = """Train.

    Args:
        epochs (int): passes over
            the data.
        rate: step size

    Returns:
        nothing: at all
    """
NUMPY = """Train.

    Parameters
    ----------
    epochs : int, optional
        passes over
        the data.
    rate
        step size

    Returns
    -------
    nothing
        at all
    """
REST = """Train.

    :param int epochs: passes over
        the data.
    :param rate: step size
    :returns: nothing
    """


@pytest.mark.parametrize("doc", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_help_comes_from_the_docstring(doc: str) -> None:
    flags, _ = flags_of("epochs=5, rate=0.1, seed=1", doc=doc)
    assert [flag.help for flag in flags] == ["passes over the data.", "step size", None]


def flags_of_script(source: str) -> tuple[tuple[Flag, ...], tuple[str, ...]]:
    return script_flags(ast.parse(source).body, source)


def test_constants_of_a_script_become_flags() -> None:
    source = "EPOCHS = 5  # passes\nlearning_rate: float = 1\nNAME = 'a'\nFAST = False\nUNITS = [1, 2]\nLOW = -1\n"
    flags, _ = flags_of_script(source)
    assert [(flag.option, flag.type, flag.default) for flag in flags] == [
        ("--epochs", "int", 5),
        ("--learning-rate", "float", 1),
        ("--name", "str", "a"),
        ("--fast", "bool", False),
        ("--units", "int", [1, 2]),
        ("--low", "int", -1),
    ]
    assert flags[0].help == "passes"


@pytest.mark.parametrize(
    "source",
    [
        "X = 1\nX = 2",
        "X = 1\nX += 1",
        "X = 1\nfor X in []: pass",
        "if True:\n    X = 1",
        "_X = 1",
        "X = Y = 1",
        "X = None",
        "X = 2 * 3",
        "X = '''a\nb'''",
        "X = {}",
        "X = 1e999",
        "X, Y = 1, 2",
        "X = 1\ndef f():\n    global X\n    X = 2",
    ],
)
def test_what_is_not_one_constant_is_no_flag(source: str) -> None:
    assert flags_of_script(source) == ((), ())


def test_an_annotation_counts_where_it_fits_the_constant() -> None:
    flags, _ = flags_of_script("A: Path = 'x'\nB: Literal['a', 'b'] = 'a'\nC: list[int] = 5\nD: list[float] = [1]")
    assert [(flag.type, flag.repeated) for flag in flags] == [
        ("str", False),
        ("str", False),
        ("int", False),
        ("float", True),
    ]
    assert flags[1].choices == ("a", "b")


def test_constants_whose_flags_clash_are_left_out() -> None:
    flags, notes = flags_of_script("EPOCHS = 1\nepochs = 2\nHELP = 3\nrate = 1")
    assert [flag.name for flag in flags] == ["rate"]
    assert notes == tuple(
        f"`{name}` has no flag: {option} is taken"
        for name, option in [("EPOCHS", "--epochs"), ("epochs", "--epochs"), ("HELP", "--help")]
    )


def test_what_a_function_binds_for_itself_does_not_count() -> None:
    flags, _ = flags_of_script("X = 1\ndef f():\n    X = 2\n[X for X in 'ab']\n(lambda X: X)(1)")
    assert [flag.name for flag in flags] == ["X"]
