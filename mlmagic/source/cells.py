"""Raw cell text to Python statements with their line numbers."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

from mlmagic.source.escapes import Escape, clean, split_cell_magic, translate
from mlmagic.source.names import Names, find_names

_ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxProblem:
    """Why a text is not Python; `line` counts from 1 in the cell's source."""

    message: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParsedStatement:
    """A top-level statement; lines count from 1 in the cell's source."""

    node: ast.stmt
    names: Names
    source: str
    comments: int
    """How many lines of `source` are the comments above."""
    first_line: int
    """The first line of code, decorators included."""
    last_line: int
    escapes: tuple[Escape, ...]
    """What was left out inside it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParsedCell:
    """A cell as Python sees it."""

    statements: tuple[ParsedStatement, ...]
    escapes: tuple[Escape, ...] = ()
    """What was left out between the statements."""
    binds: tuple[str, ...] = ()
    """Names that a cell magic binds."""
    problem: SyntaxProblem | None = None


@lru_cache(maxsize=2048)
def parse_cell(source: str) -> ParsedCell:
    """Read a cell. One that is not Python has no statements and a problem."""
    magic = split_cell_magic(clean(source))
    text, escapes = magic.body, magic.escapes
    parsed = _parse(text)
    if isinstance(parsed, SyntaxProblem):
        # Valid Python holds no IPython syntax, so most cells never come here.
        text, more = translate(text)
        escapes += more
        parsed = _parse(text)
    if isinstance(parsed, SyntaxProblem):
        return ParsedCell(statements=(), binds=magic.binds, problem=parsed)
    try:
        statements = _statements(parsed, text, escapes)
    except RecursionError as error:
        return ParsedCell(statements=(), problem=_problem(error, text))
    inside = {escape for statement in statements for escape in statement.escapes}
    between = tuple(escape for escape in escapes if escape not in inside)
    return ParsedCell(statements=statements, escapes=between, binds=magic.binds)


@lru_cache(maxsize=256)
def compile_problem(source: str, *, in_notebook: bool) -> SyntaxProblem | None:
    """Say why a cell that parses does not compile, as with `return` outside of a function.

    In a notebook, though not in a module, `await` may stand at the top level.
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if in_notebook else 0
    cleaned = split_cell_magic(clean(source)).body
    text = cleaned if not isinstance(_parse(cleaned), SyntaxProblem) else translate(cleaned)[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<cell>", "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        return _problem(error, text)
    return None


def _parse(text: str) -> ast.Module | SyntaxProblem:
    try:
        with warnings.catch_warnings():
            # An invalid escape such as "\d" was already shown by the kernel.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _problem(error, text)


def _problem(error: Exception, text: str) -> SyntaxProblem:
    if isinstance(error, RecursionError | MemoryError):
        return SyntaxProblem(message="too deeply nested", line=1, column=0, text="")
    if not isinstance(error, SyntaxError):
        return SyntaxProblem(message=str(error) or type(error).__name__, line=1, column=0, text="")
    line = min(error.lineno or 1, text.count("\n") + 1)
    return SyntaxProblem(
        message=error.msg, line=line, column=max(error.offset or 0, 0), text=text.split("\n")[line - 1].rstrip()
    )


def _statements(module: ast.Module, text: str, escapes: tuple[Escape, ...]) -> tuple[ParsedStatement, ...]:
    lines = text.split("\n")
    statements: list[ParsedStatement] = []
    previous_end = 0
    for i, node in enumerate(module.body):
        following = module.body[i + 1] if i + 1 < len(module.body) else None
        first, last = _first_line(node), node.end_lineno or node.lineno
        code = _code(lines, node, first, follows=previous_end == first, shares_end=following)
        comments = [] if previous_end == first else _comments_above(lines, first, previous_end)
        statements.append(
            ParsedStatement(
                node=node,
                names=find_names(node),
                source="\n".join([*comments, code]),
                comments=len(comments),
                first_line=first,
                last_line=last,
                escapes=tuple(escape for escape in escapes if first <= escape.line <= last),
            )
        )
        previous_end = last
    return tuple(statements)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _code(lines: list[str], node: ast.stmt, first: int, *, follows: bool, shares_end: ast.stmt | None) -> str:
    """Return the lines of a statement, without its neighbours on the same line and without a closing semicolon."""
    last = node.end_lineno or node.lineno
    code = lines[first - 1 : last]
    end = len(lines[last - 1].encode()[: node.end_col_offset or 0].decode())
    tail = code[-1][end:]
    if shares_end is not None and _first_line(shares_end) == last:
        tail = ""
    elif tail.lstrip().startswith(";"):
        tail = tail.lstrip()[1:]
    code[-1] = (code[-1][:end] + tail).rstrip()
    if follows:
        code[0] = code[0].encode()[node.col_offset :].decode()
    return "\n".join(code)


def _comments_above(lines: list[str], first: int, previous_end: int) -> list[str]:
    start = first - 1
    while start > previous_end and lines[start - 1].lstrip().startswith("#"):
        if start <= 2 and _ENCODING.match(lines[start - 1]):
            break
        start -= 1
    return [line.rstrip() for line in lines[start : first - 1]]
