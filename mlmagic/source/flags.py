"""The flags of a program: from the parameters of `train`, or from the constants of a script."""

from __future__ import annotations

import ast
import math
import tokenize
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import PurePath

from mlmagic.errors import CellError
from mlmagic.source.annotations import FlagType, annotated_type, value_type
from mlmagic.source.constants import (
    NotConstantError,
    assignment,
    binding_counts,
    evaluate,
    known_before,
)
from mlmagic.source.docstrings import parameter_help
from mlmagic.spec.package import Flag


def function_flags(
    function: ast.FunctionDef, module: Sequence[ast.stmt], place: str, *, first: int = 0
) -> tuple[tuple[Flag, ...], tuple[str, ...]]:
    """Return a flag for each parameter, and notes on those that are left to their defaults.

    Args:
        function: the definition of `train` or `build_model`.
        module: the statements around it, which say what `EPOCHS` is in `epochs=EPOCHS`.
        place: where it stands in the notebook.
        first: how many parameters come before those that become flags.

    Raises:
        CellError: parameters that cannot be flags; all are listed.
    """
    known = known_before(list(module), function)
    aliases = {assigned[0]: assigned[1] for item in module if (assigned := assignment(item))}
    descriptions = parameter_help(ast.get_docstring(function))
    problems = _unnamed_parameters(function, first)
    flags: list[Flag] = []
    notes: list[str] = []
    for argument, default in _parameters(function)[first:]:
        kind, value, expression = _type_and_default(argument, default, known, aliases)
        if kind is None and default is None and argument.annotation is None:
            kind = FlagType(name="str")
            notes.append(
                f"{spellings(argument.arg)[0]} is text: `{argument.arg}` has neither a default nor an annotation"
            )
        if kind is None and default is None:
            problems.append(f"`{ast.unparse(argument)}` has no default, and no flag can have its type")
        elif kind is None and default is not None:
            notes.append(f"`{argument.arg}` has no flag: it keeps its default, {ast.unparse(default)}")
        elif kind is not None:
            flag = _flag(argument.arg, kind, value, help_text=descriptions.get(argument.arg))
            flags.append(replace(flag, required=default is None, expression=expression))
    problems += _clashes(flags)
    if problems:
        raise CellError(
            f"`{function.name}` ({place}) has parameters that cannot become flags:",
            problems=problems,
            hint="What works: a name with a default or annotation of int, float, str, bool, Path, Literal, or a list.",
        )
    return tuple(flags), tuple(notes)


def script_flags(module: Sequence[ast.stmt], text: str) -> tuple[tuple[Flag, ...], tuple[str, ...]]:
    """Return a flag for each top-level name that is bound once, to a literal, and notes on those that clash.

    Args:
        module: the statements of the script.
        text: their text; a comment behind a constant is the help of its flag.
    """
    counts = binding_counts(list(module))
    comments = _trailing_comments(text)
    flags = []
    for statement in module:
        assigned = assignment(statement)
        if assigned is None or counts[assigned[0]] > 1 or assigned[0].startswith("_"):
            continue
        kind, value = _literal_type(statement, assigned[1])
        if kind is not None:
            help_text = comments.get(statement.end_lineno or 0)
            flags.append(_flag(assigned[0], kind, value, help_text=help_text))
    clashing = _clashing(flags)
    notes = tuple(f"`{flag.name}` has no flag: {flag.option} is taken" for flag in flags if flag.name in clashing)
    return tuple(flag for flag in flags if flag.name not in clashing), notes


def spellings(name: str) -> list[str]:
    """Return how a name is typed as a flag: `--learning-rate`, and `--learning_rate` as tuning has it."""
    plain = name.lower() if name.isupper() else name
    return list(dict.fromkeys(["--" + plain.strip("_").replace("_", "-"), f"--{plain}"]))


def flag_spellings(flag: Flag) -> list[str]:
    """Return how a flag is typed: as its name, unless it has another option, such as `--fare.buckets`."""
    named = spellings(flag.name)
    return named if flag.option in named else [flag.option]


def _parameters(function: ast.FunctionDef) -> list[tuple[ast.arg, ast.expr | None]]:
    """Return the parameters with their defaults."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    return [
        *zip(positional, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]


def _unnamed_parameters(function: ast.FunctionDef, first: int) -> list[str]:
    arguments = function.args
    problems = [f"`{argument.arg}` is positional only" for argument in arguments.posonlyargs[first:]]
    problems += [f"`*{arguments.vararg.arg}` takes values without a name"] if arguments.vararg else []
    problems += [f"`**{arguments.kwarg.arg}` takes any name"] if arguments.kwarg else []
    return problems


def _type_and_default(
    argument: ast.arg, default: ast.expr | None, known: dict[str, object], aliases: dict[str, ast.expr]
) -> tuple[FlagType | None, object, str | None]:
    """Return type, default value, and the default's text if only the program can evaluate it."""
    if not argument.arg.strip("_"):
        return None, None, None
    kind = annotated_type(argument.annotation, aliases)
    if default is None:
        return kind, None, None
    try:
        value = evaluate(default, known)
    except NotConstantError:
        return kind, None, ast.unparse(default)
    if not _is_plain(value):
        return kind, None, ast.unparse(default)
    own = value_type(value)
    if value is None:
        return kind or (FlagType(name="str") if argument.annotation is None else None), None, None
    if kind is None:
        kind = own
    elif (kind.name, own) == ("int", FlagType(name="float")):
        kind = FlagType(name="float", search=kind.search)
    elif kind == FlagType(name="str", repeated=True) and own is not None and own.repeated and value:
        kind = own  # of a bare `list`, the default tells the items
    return kind, value, None


def _is_plain(value: object) -> bool:
    """Say whether `repr` of the value is an expression that gives it again."""
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def _literal_type(statement: ast.stmt, value: ast.expr) -> tuple[FlagType | None, object]:
    try:
        constant = evaluate(value, {})
    except NotConstantError:
        return None, None
    is_text = isinstance(constant, str) and "\n" in constant
    if isinstance(value, ast.BinOp | ast.Call) or is_text or not _is_plain(constant):
        return None, None
    kind = value_type(constant)
    annotated = annotated_type(statement.annotation, {}) if isinstance(statement, ast.AnnAssign) else None
    # A path is no literal: the script makes one of its text itself.
    fits = kind and annotated and annotated.repeated == kind.repeated and annotated.name != "Path"
    return (annotated if fits else kind), constant


def _flag(name: str, kind: FlagType, default: object, *, help_text: str | None) -> Flag:
    shown = str(default) if isinstance(default, PurePath) else default
    if kind.name == "Path" and isinstance(default, list | tuple):
        shown = type(default)(map(str, default))
    return Flag(
        name=name,
        option=spellings(name)[0],
        type=kind.name,
        default=shown,
        repeated=kind.repeated,
        choices=kind.choices,
        search=kind.search,
        help=help_text,
    )


def _taken(flag: Flag) -> list[str]:
    """Return everything that argparse would take as the flag."""
    taken = flag_spellings(flag)
    return [*taken, *(f"--no-{spelling[2:]}" for spelling in taken)] if flag.type == "bool" else taken


def _clashing(flags: Sequence[Flag]) -> set[str]:
    counts = Counter(spelling for flag in flags for spelling in _taken(flag))
    counts["--help"] += 1
    return {flag.name for flag in flags if any(counts[spelling] > 1 for spelling in _taken(flag))}


def _clashes(flags: Sequence[Flag]) -> list[str]:
    return [f"`{flag.name}`: {flag.option} is taken" for flag in flags if flag.name in _clashing(flags)]


def _trailing_comments(text: str) -> dict[int, str]:
    """Return the comment behind the code of each line that has one."""
    comments = {}
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
            comments[token.start[0]] = token.string.lstrip("#").strip()
    return {
        line: comment for line, comment in comments.items() if comment and not comment.startswith(("noqa", "type:"))
    }
