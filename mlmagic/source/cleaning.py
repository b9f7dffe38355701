"""What a `%%preprocess` cell defines: `clean` or `clean_row`, and `features`."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mlmagic.errors import CellError, UsageError, nearest
from mlmagic.source.declaration import KEY
from mlmagic.source.shape import lookalikes

FUNCTIONS = {"clean": "batch", "clean_row": "row"}
"""By name, what each is called with."""

_EXAMPLES = {
    "clean": "def clean(batch: pd.DataFrame):\n    return batch[batch.fare >= 2.5]",
    "clean_row": 'def clean_row(row: dict):\n    return row if row["fare"] >= 2.5 else None',
}
_SEVERAL = "the cell cannot preprocess anything as it is:"
_ARROW = ("RecordBatch", "Table")

Place = Callable[[int], str]
Check = Callable[[object], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What the cell defines."""

    function: str | None = None
    """`clean`, `clean_row` or None."""
    needs_pandas: bool = False
    """It cleans batches, and does not say that it takes those of Arrow."""
    declares_features: bool = False


def recognise_cleaning(own: Sequence[ast.stmt], place: Place, check: Check) -> Cleaning:
    """Return what a cell's statements define for preprocessing.

    Args:
        own: the cell's statements.
        place: says where a line of theirs stands in the notebook.
        check: raises a UsageError for a declaration of features that cannot be used.

    Raises:
        CellError: a function that cannot be called, none at all, or what is no declaration; all are listed.
    """
    problems = [*_lookalikes(own, place), *_calls(own, place)]
    # Of two definitions of a name, the last one counts.
    functions = {item.name: item for item in own if isinstance(item, ast.FunctionDef) and item.name in FUNCTIONS}
    for function in functions.values():
        problems += _function_problems(function, place)
    if len(functions) == 2:
        places = " and ".join(f"`{name}` ({place(item.lineno)})" for name, item in functions.items())
        problems.append(f"it defines both {places}: keep one; `clean`, which takes whole batches, is much faster")
    problems += _declaration_problems(own, place, check)
    bound = list(_bound(own))
    if not problems and not {*FUNCTIONS, KEY} & set(bound):
        raise _nothing_defined(bound)
    _raise(problems, functions)
    name = next((name for name in FUNCTIONS if name in bound), None)
    return Cleaning(
        function=name,
        needs_pandas=name == "clean" and not (name in functions and _takes_arrow(functions[name])),
        declares_features=KEY in bound,
    )


def _raise(problems: Sequence[str], functions: dict[str, ast.FunctionDef]) -> None:
    hint = f"For example:\n{_example(next(iter(functions)))}" if functions else None
    if len(problems) == 1:
        raise CellError(f"{problems[0]}.", hint=hint)
    if problems:
        raise CellError(_SEVERAL, problems=problems, hint=hint)


def _nothing_defined(bound: Sequence[str]) -> CellError:
    offer = next(filter(None, (nearest(name, [*FUNCTIONS, KEY], limit=1) for name in bound)), "")
    return CellError(
        f"the cell defines none of `clean`, `clean_row` and `features`, so that it would do nothing. {offer}".rstrip(),
        hint=f"Define one of them, or leave the cell empty to take the rows as they are:\n{_example('clean')}",
    )


def _example(name: str) -> str:
    return textwrap.indent(_EXAMPLES[name], "    ")


def _bound(own: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind."""
    for item in own:
        match item:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case _:
                for node in ast.walk(item):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        yield node.id


def _lookalikes(own: Sequence[ast.stmt], place: Place) -> Iterator[str]:
    for line, name, what in lookalikes(own, FUNCTIONS):
        yield f"{place(line)} has {what}; the job calls a plain function: `def {name}({FUNCTIONS[name]}):`"


def _calls(own: Sequence[ast.stmt], place: Place) -> Iterator[str]:
    """Yield what is wrong with a cell that tries its function out: every process of the job would do it again."""
    for item in own:
        if isinstance(item, ast.FunctionDef | ast.ClassDef | ast.If):
            continue
        for node in ast.walk(item):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
                yield (
                    f"{place(node.lineno)} calls `{node.func.id}`, which the job does itself: take the call out, or "
                    "put it into another cell"
                )


def _function_problems(function: ast.FunctionDef, place: Place) -> Iterator[str]:
    told = f"`{function.name}` ({place(function.lineno)})"
    argument = FUNCTIONS[function.name]
    taken = _parameter_problem(function)
    if taken:
        yield f"{told} {taken}; the job calls `{function.name}({argument})`, with one argument"
    nodes = list(_own_nodes(function))
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes):
        yield f"{told} yields; it must return what is left of its {argument}" + (
            ": a dict, a list of them, or None" if argument == "row" else ""
        )
        return
    returns = [node for node in nodes if isinstance(node, ast.Return) and node.value is not None]
    if all(_is_none(node) for node in returns) and not _only_raises(function):
        rest = f": end it with `return {argument}`"
        yield f"{told} returns nothing, so that no row would be left{rest}"


def _is_none(node: ast.Return) -> bool:
    return isinstance(node.value, ast.Constant) and node.value.value is None


def _only_raises(function: ast.FunctionDef) -> bool:
    return isinstance(function.body[-1], ast.Raise)


def _parameter_problem(function: ast.FunctionDef) -> str | None:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    needed_by_name = [
        item.arg for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None
    ]
    if not positional and arguments.vararg is None:
        return "takes no argument"
    if len(required) > 1:
        return f"needs {len(required)} arguments ({', '.join(item.arg for item in required)})"
    if needed_by_name:
        return f"needs the keyword {' and '.join(needed_by_name)}"
    return None


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, without those of functions within it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _declaration_problems(own: Sequence[ast.stmt], place: Place, check: Check) -> Iterator[str]:
    for item in own:
        match item:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name == KEY:
                try:
                    check(ast.literal_eval(value))
                except UsageError as error:
                    where = place(item.lineno)
                    yield from (f"{where}: {text.rstrip('.')}" for text in error.problems or [error.message])
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue  # what only the program can tell, it checks
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name == KEY:
                yield f"{place(item.lineno)} defines `{name}` as code; it is a mapping: `{KEY} = {{...}}`"


def _takes_arrow(function: ast.FunctionDef) -> bool:
    first = [*function.args.posonlyargs, *function.args.args][:1]
    annotation = first[0].annotation if first else None
    match annotation:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in _ARROW
        case ast.Constant(value=str(text)):
            return text.rpartition(".")[2] in _ARROW
    return False
