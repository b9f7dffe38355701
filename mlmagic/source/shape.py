"""Which of the three shapes a `%%train` cell has, told by what it defines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from mlmagic.errors import CellError
from mlmagic.spec.package import CellShape

_READS_ARGUMENTS = frozenset({"absl", "click", "fire", "optparse", "getopt", "typer"})

_WHAT_RUNS = "Define `def train(epochs=5): ...`, which the job calls, or write the calls into the cell."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The shape; `function` is the definition of `train` or `build_model` where there is one."""

    kind: CellShape
    function: ast.FunctionDef | None = None
    reads_arguments: bool = False
    """The script parses its command line itself."""


def recognise(own: Sequence[ast.stmt], module: Sequence[ast.stmt], place: Callable[[int], str]) -> Shape:
    """Return the shape of a cell.

    Args:
        own: the cell's statements.
        module: these and the statements from earlier cells.
        place: says where a line of theirs stands in the notebook.

    Raises:
        CellError: it looks like one of the shapes and is not, or nothing in it would run.
    """
    functions = {item.name: item for item in own if isinstance(item, ast.FunctionDef)}
    _refuse_lookalikes(own, place)
    if "build_model" in functions:
        _refuse_two_ways(functions, place)
        _refuse_calls(own, "build_model", place)
        return Shape(kind=CellShape.BUILD_MODEL, function=functions["build_model"])
    if "train" in functions:
        _refuse_calls(own, "train", place)
        return Shape(kind=CellShape.TRAIN, function=functions["train"])
    if not own:
        raise CellError("the cell holds no Python, so that the job would do nothing.", hint=_WHAT_RUNS)
    if not any(_runs(item) for item in own):
        raise CellError(
            "the cell only defines things, so that the job would do nothing.",
            hint=_WHAT_RUNS,
        )
    return Shape(kind=CellShape.SCRIPT, reads_arguments=_reads_arguments(module))


def _refuse_two_ways(functions: dict[str, ast.FunctionDef], place: Callable[[int], str]) -> None:
    if "train" in functions:
        raise CellError(
            f"the cell defines both `build_model` ({place(functions['build_model'].lineno)}) and `train` "
            f"({place(functions['train'].lineno)}), which are two ways to train.",
            hint="Keep `train`; a helper that builds the model can have any other name, such as `make_model`.",
        )


def lookalikes(own: Sequence[ast.stmt], names: Collection[str]) -> Iterator[tuple[int, str, str]]:
    """Yield what has one of these names and is no plain function: its line, its name, and how it is defined."""
    for item in own:
        match item:
            case ast.AsyncFunctionDef(name=name):
                what = f"`async def {name}`"
            case ast.ClassDef(name=name):
                what = f"`class {name}`"
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda()):
                what = f"`{name} = lambda ...`"
            case _:
                continue
        if name in names:
            yield item.lineno, name, what


def _refuse_lookalikes(own: Sequence[ast.stmt], place: Callable[[int], str]) -> None:
    for line, name, what in lookalikes(own, ("train", "build_model")):
        raise CellError(f"{place(line)} has {what}; the job calls a plain function.", hint=f"Write `def {name}(...):`.")


def _refuse_calls(own: Sequence[ast.stmt], name: str, place: Callable[[int], str]) -> None:
    for item in own:
        if isinstance(item, ast.FunctionDef | ast.ClassDef | ast.If):
            continue
        for node in ast.walk(item):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                raise CellError(
                    f"{place(node.lineno)} calls `{name}`, which the job does itself: it would train twice.",
                    hint="Take the call out; values for its parameters go behind `--`, such as `-- --epochs 5`.",
                )


def _runs(item: ast.stmt) -> bool:
    """Say whether the statement does more than define, import or name a constant."""
    match item:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom() | ast.Pass():
            return False
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.Assign(value=ast.Constant()) | ast.AnnAssign(value=ast.Constant() | None):
            return False
    return True


def _reads_arguments(module: Sequence[ast.stmt]) -> bool:
    for item in module:
        for node in ast.walk(item):
            match node:
                case ast.Attribute(value=ast.Name(id="sys"), attr="argv"):
                    return True
                case ast.ImportFrom(module="sys", names=names) if any(name.name == "argv" for name in names):
                    return True
                case ast.Call(func=ast.Attribute(attr="parse_args" | "parse_known_args"), args=[], keywords=[]):
                    return True
                case ast.Import(names=names) if any(name.name.partition(".")[0] in _READS_ARGUMENTS for name in names):
                    return True
                case ast.ImportFrom(module=str(name)) if name.partition(".")[0] in _READS_ARGUMENTS:
                    return True
    return False
