"""The flags of a stored package, read in its files: what `add_argument` declares there."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.program_words import Arity, KnownFlag
from mlmagic.spec.package import Flag

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage

_GENERATED_PROGRAM = '"python -m trainer.task"'
_SWITCHES = ("store_true", "store_false", "store_const", "append_const", "count", "BooleanOptionalAction", "Switch")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFlags:
    """The flags of a program."""

    known: dict[str, KnownFlag]
    """By spelling; of a package that somebody wrote, those that can be found."""
    flags: tuple[Flag, ...] | None
    """All there are; None where only the program knows."""


def read_stored_flags(package: TrainerPackage) -> StoredFlags:
    """Return the flags of a package's program, as far as its files tell."""
    task = package.files.get("trainer/task.py", b"").decode("utf-8", "replace")
    is_generated = bool(package.source_map.blocks) and f"prog={_GENERATED_PROGRAM}" in task
    known: dict[str, KnownFlag] = {}
    flags: list[Flag] = []
    sources = [task] if is_generated else [_text(data) for name, data in package.files.items() if name.endswith(".py")]
    for spellings, flag, arity in (declared for source in sources for declared in _declared(source)):
        flags.append(flag)
        for spelling in spellings:
            known.setdefault(spelling, KnownFlag(flag.name, arity))
            if flag.type == "bool" and spelling.startswith("--") and not flag.repeated:
                known.setdefault(f"--no-{spelling.removeprefix('--')}", KnownFlag(flag.name, Arity.NONE))
    return StoredFlags(known=known, flags=tuple(flags) if is_generated else None)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _declared(source: str) -> Iterator[tuple[list[str], Flag, Arity]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            words = [item.value for item in node.args if isinstance(item, ast.Constant)]
            spellings = [word for word in words if isinstance(word, str) and word.startswith("-")]
            if spellings:
                yield spellings, *_flag(spellings, {word.arg: word.value for word in node.keywords if word.arg})


def _flag(spellings: list[str], keywords: dict[str, ast.expr]) -> tuple[Flag, Arity]:
    option = next((spelling for spelling in spellings if spelling.startswith("--")), spellings[0])
    action = _name(keywords.get("action"))
    nargs = _value(keywords.get("nargs"))
    is_switch = action in _SWITCHES
    is_many = nargs in {"*", "+"} or (isinstance(nargs, int) and nargs > 1)
    choices = _value(keywords.get("choices"))
    flag = Flag(
        name=str(_value(keywords.get("dest")) or option.lstrip("-").replace("-", "_")),
        option=option,
        type="bool" if is_switch else _name(keywords.get("type")) or "str",
        default=_value(keywords.get("default")),
        required=_value(keywords.get("required")) is True,
        repeated=is_many,
        choices=tuple(choices) if isinstance(choices, list | tuple) else None,
    )
    takes_none = is_switch and action != "Switch"  # which may have `true` or `false` behind it
    return flag, Arity.NONE if takes_none else Arity.MANY if is_many else Arity.ONE


def _name(node: ast.expr | None) -> str | None:
    """Return the word that stands for a type or an action: `int`, `argparse.BooleanOptionalAction`, `"store_true"`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(name)):
            return name
    return None


def _value(node: ast.expr | None) -> Any:
    """Return a literal's value, of `Path("data")` its text; None of all that only the program can evaluate."""
    match node:
        case None:
            return None
        case ast.Call(func=ast.Name(id="Path"), args=[argument]):
            return _value(argument)
        case ast.List(elts=items):
            return [_value(item) for item in items]
    with contextlib.suppress(ValueError):
        return ast.literal_eval(node)
    return None
