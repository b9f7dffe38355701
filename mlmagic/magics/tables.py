"""What magics take: tables of arguments, flags and subcommands, and what a line says in their terms.

    magic    = command | subcommand table
    line     = words, where a trailing backslash goes on in the next line of the body
    words    = NAME … --flag value --flag=value … [-- words for the program]

`grammar` reads a line by these tables, `help` writes `--help` from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Kind(Enum):
    """What a value is."""

    TEXT = "text"
    COUNT = "count"
    """A whole number from 1."""
    INTEGER = "integer"
    """A whole number, zero and negative ones too."""
    PAIR = "key=value"
    VARIABLE = "name"
    """The name of a variable: `df`, or `$df`, which means the same here."""
    FILTER = "filter"
    """A filter of jobs: within it, a value that is exactly `$name` is replaced."""
    OBJECT = "object"
    """Whatever `$name` or `{expr}` stands for, or text."""
    SWITCH = "switch"
    """A flag without a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A word that has its meaning from its place."""

    name: str
    help: str
    metavar: str
    kind: Kind = Kind.TEXT
    is_required: bool = True
    is_repeatable: bool = False
    """It takes all words that are left; only the last argument can. Its value is a list."""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A flag. `name` is in kebab-case; snake_case is taken too."""

    name: str
    help: str
    metavar: str = ""
    kind: Kind = Kind.SWITCH
    short: str | None = None
    default: object = None
    is_repeatable: bool = False
    takes_several: bool = False
    """Of one that is repeatable: all words up to the next flag are values, as of `--input a.csv b.csv`."""
    choices: tuple[str, ...] = ()
    bare: str | None = None
    """What it is without a value, where it may stand alone."""
    is_listed: bool = True
    """Whether the help has a line for it; otherwise the command's summary speaks of it."""

    @property
    def flag(self) -> str:
        """As it is typed: `--set-default`."""
        return f"--{self.name}"

    @property
    def key(self) -> str:
        """Where its value is found: `set_default`."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a magic, or one of its subcommands, takes."""

    summary: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    takes_program: bool = False
    """Words after `--` belong to the user's program."""
    is_program_known: bool = False
    """Its flags are known as well: what is no flag before `--` is none behind it."""
    body: str | None = None
    """What the cell's body is; None where there is none."""
    forms: tuple[str, ...] = ()
    """How it is written, where there is more than one way."""
    examples: tuple[tuple[str, str], ...] = ()
    """What is typed, and what that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """A magic: one command, or a table of subcommands of which `default` is meant when none is named.

    With both, `command` is what a cell does; a line has a subcommand, unless it has the flag `line_flag`.
    """

    name: str
    command: Command
    subcommands: Mapping[str, Command] = field(default_factory=dict)
    default: str | None = None
    line_flag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a line says. Every option has a value: its default, an empty list if it is repeatable."""

    magic: Magic
    subcommand: str | None
    values: Mapping[str, Any]
    program: tuple[str, ...] = ()
    body: str | None = None
    body_first_line: int = 2
    """The line of the notebook cell on which the body begins; more than 2 after continued lines."""
    invocation: str = ""
    """The line as it was typed, on one line."""
    wants_help: bool = False

    def __getitem__(self, key: str) -> Any:
        return self.values[key]
