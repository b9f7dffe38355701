"""The one parser: a magic's line, in the terms of its table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlmagic.errors import UsageError, nearest
from mlmagic.magics.expansion import expand_program_word
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed
from mlmagic.magics.values import default_value, inline, read_value
from mlmagic.magics.words import Word, split

_SEPARATOR = Word("--", "--")
_HELP_FLAGS = ("--help", "-h")


def parse(magic: Magic, line: str, body: str | None = None, namespace: Mapping[str, Any] | None = None) -> Parsed:
    """Read the line of a magic.

    Args:
        magic: its table.
        line: what follows the magic's name.
        body: the cell below it; None for a line magic.
        namespace: where `$name` and `{expr}` are looked up.

    Raises:
        UsageError: something is wrong with it; all that is wrong is listed.
    """
    joined = continued(line, body)
    words = split(joined.text)
    sign = f"{'%' if body is None else '%%'}{magic.name}"
    subcommand, command, words = _choose(magic, words, sign, is_cell=body is not None)
    called = f"{sign} {subcommand}" if subcommand else sign
    reader = _Reader(called, command, namespace or {})
    common: dict[str, Any] = {
        "magic": magic,
        "subcommand": subcommand,
        "body": joined.body,
        "body_first_line": joined.body_first_line,
        "invocation": f"{sign} {joined.text}".strip(),
    }
    own = words[: words.index(_SEPARATOR)] if _SEPARATOR in words else words
    if any(word.raw in _HELP_FLAGS for word in own):
        return Parsed(values=reader.values, wants_help=True, **common)
    reader.read(words)
    return Parsed(values=reader.values, program=tuple(reader.program), **common)


def _choose(magic: Magic, words: list[Word], sign: str, *, is_cell: bool) -> tuple[str | None, Command, list[Word]]:
    """Return the subcommand that is meant, its table, and the words that are left."""
    own = words[: words.index(_SEPARATOR)] if _SEPARATOR in words else words
    has_flag = any(word.text.partition("=")[0] == magic.line_flag for word in own if word.is_flag)
    if not magic.subcommands or (magic.command.body and (is_cell or has_flag)):
        return None, magic.command, words
    if not words or words[0].is_flag:
        if any(word.raw in _HELP_FLAGS for word in words):
            return None, magic.command, words
        default = magic.default or ""
        return default, magic.subcommands[default], words
    name = words[0].text
    if name not in magic.subcommands:
        near = _nearest(name, magic.subcommands)
        if not near and magic.command.body and any(_is_own(word, magic.command) for word in own if word.is_flag):
            near = f"To {magic.name} a cell: %{sign} {words[0].raw}"
        elif not near and "describe" in magic.subcommands:
            near = f"To look at one: {sign} describe {words[0].raw}"
        known = ", ".join(magic.subcommands)
        raise UsageError(
            f"{sign} has no subcommand {name!r}. {near}".rstrip(), hint=f"Subcommands: {known}. More: {sign} --help"
        )
    return name, magic.subcommands[name], words[1:]


def _is_own(flag: Word, command: Command) -> bool:
    name = flag.text.partition("=")[0].replace("_", "-")
    return name in {option.flag for option in command.options}


class _Reader:
    """Reads the words of one line, and collects what is wrong with them."""

    def __init__(self, called: str, command: Command, namespace: Mapping[str, Any]) -> None:
        self.called = called
        self.command = command
        self.namespace = namespace
        self.values: dict[str, Any] = {a.name: [] if a.is_repeatable else None for a in command.arguments}
        for option in command.options:
            self.values[option.key] = default_value(option)
        self.program: list[str] = []
        self.problems: list[str] = []
        self._flags = {option.flag: option for option in command.options}
        self._flags |= {f"-{option.short}": option for option in command.options if option.short}
        self._seen: set[str] = set()
        self._mended: str | None = None
        self._free: list[Word] = []
        self._unknown: list[list[Word]] = []
        """Each unknown flag with the words behind it that may be its values."""

    def read(self, words: Sequence[Word]) -> None:
        """Read the words of the line.

        Raises:
            UsageError: all that is wrong.
        """
        own = list(words)
        if _SEPARATOR in own:
            cut = own.index(_SEPARATOR)
            own, behind = own[:cut], own[cut:]
        else:
            behind = []
        self._read_own(own)
        self._place_arguments()
        self._read_program(behind)
        self._report_unknown(own, behind)
        self._finish()

    def _read_own(self, words: list[Word]) -> None:
        position = 0
        open_option: Option | None = None
        required = sum(argument.is_required for argument in self.command.arguments)
        while position < len(words):
            word = words[position]
            position += 1
            if not word.is_flag and open_option is not None and len(self._free) >= required:
                self._assign(open_option, word)
                continue
            if not word.is_flag:
                (self._free if not self._collects_values() else self._unknown[-1]).append(word)
                continue
            name, equals, _ = word.text.partition("=")
            option = self._flags.get(
                name if name.startswith("-") and not name.startswith("--") else name.replace("_", "-")
            )
            open_option = option if option is not None and option.takes_several else None
            if option is None:
                self._unknown.append([word])
            elif option.kind is Kind.SWITCH:
                self._switch(option, with_value=bool(equals))
            elif equals:
                self._assign(option, word.after(len(name) + 1))
            elif option.bare is not None and not self._is_value(option, words[position : position + 1], required):
                self._assign(option, Word(option.bare, option.bare, is_quoted=True))
            elif position < len(words) and not words[position].is_flag:
                self._assign(option, words[position])
                position += 1
            else:
                self._problem(f"{option.flag} needs a value: {option.flag} {option.metavar}")

    def _is_value(self, option: Option, following: Sequence[Word], required: int) -> bool:
        """Say whether the word that follows a flag which may stand alone is its value, and not a name that is due."""
        if option.choices:
            return bool(following) and following[0].text in option.choices
        return bool(following) and not following[0].is_flag and len(self._free) >= required

    def _collects_values(self) -> bool:
        """Say whether a bare word belongs to the unknown flag before it: one word, or any if NAME is given already."""
        if not self._unknown or "=" in self._unknown[-1][0].text:
            return False
        return len(self._unknown[-1]) == 1 or len(self._free) >= len(self.command.arguments)

    def _switch(self, option: Option, *, with_value: bool) -> None:
        if with_value:
            self._problem(f"{option.flag} takes no value")
        elif self._is_new(option):
            self.values[option.key] = True

    def _assign(self, option: Option, word: Word) -> None:
        if not self._is_new(option):
            return
        value = self._value(option, option.flag, word)
        if value is None:
            return
        if option.kind is Kind.PAIR:
            self._assign_pair(option, *value)
        elif option.is_repeatable:
            self.values[option.key].append(value)
        else:
            self.values[option.key] = value

    def _assign_pair(self, option: Option, key: str, value: str) -> None:
        if key in self.values[option.key]:
            self._problem(f"{option.flag} {key}=… is given twice")
        self.values[option.key][key] = value

    def _is_new(self, option: Option) -> bool:
        if option.key in self._seen and not option.is_repeatable:
            self._problem(f"{option.flag} is given twice")
            return False
        self._seen.add(option.key)
        return True

    def _place_arguments(self) -> None:
        required = [argument for argument in self.command.arguments if argument.is_required]
        # A word behind an unknown switch may have been the NAME that is missing now.
        for group in self._unknown:
            if len(self._free) < len(required) and len(group) > 1:
                self._free.append(group.pop())
        for argument, word in zip(self.command.arguments, self._free, strict=False):
            value = self._value(argument, argument.metavar, word)
            self.values[argument.name] = [value] if argument.is_repeatable else value
        for argument in required[len(self._free) :]:
            self._problem(f"{argument.metavar} is missing: {argument.help}")
        last = self.command.arguments[-1] if self.command.arguments else None
        if last is not None and last.is_repeatable:
            words = self._free[len(self.command.arguments) :]
            self.values[last.name] += [self._value(last, last.metavar, word) for word in words]
        elif extra := " ".join(word.raw for word in self._free[len(self.command.arguments) :]):
            self._problem(f"{extra} is too much{self._hint_too_much(extra)}")

    def _hint_too_much(self, extra: str) -> str:
        told = self.values.get("filter")
        if told is not None:
            sign = "'" if '"' in f"{told}{extra}" else '"'
            return f": a filter of several words stands in quotes: --filter {sign}{told} {extra}{sign}"
        if not self.command.takes_program:
            return ""
        return f": a name is one word, and an argument of your program goes after --: -- {extra}"

    def _read_program(self, behind: Sequence[Word]) -> None:
        if behind and not self.command.takes_program:
            self._problem("it runs no program, so nothing can follow --")
            return
        for word in behind[1:]:
            try:
                self.program.append(expand_program_word(word, self.namespace))
            except UsageError as error:
                self._problem(inline(error))

    def _report_unknown(self, own: Sequence[Word], behind: Sequence[Word]) -> None:
        if not self._unknown:
            return
        for flag, *_ in self._unknown:
            name = flag.text.partition("=")[0]
            self._problem(f"{name} is no flag of {self.called}. {_nearest_flag(name, self._flags)}".rstrip())
        has_open_program = self.command.takes_program and not self.command.is_program_known
        if has_open_program and not all(self._is_sure(flag) for flag, *_ in self._unknown):
            surplus = self._free[len(self.command.arguments) :]
            theirs = [word for group in (*self._unknown, surplus) for word in group]
            moved = [word for word in own if any(word is other for other in theirs)]
            kept = [word.raw for word in own if not any(word is other for other in theirs)]
            missing = [argument.metavar for argument in self.command.arguments[len(self._free) :]]
            mended = " ".join([self.called, *missing, *kept, *(w.raw for w in [_SEPARATOR, *moved, *behind[1:]])])
            self._mended = f"A flag of your program goes after a bare --: {mended}"

    def _is_sure(self, flag: Word) -> bool:
        """Say whether an unknown flag is surely one of ours, but for its dashes: `--dryrun`."""
        letters = re.sub(r"[-_]", "", flag.text.partition("=")[0])
        return any(letters == option.replace("-", "") for option in self._flags)

    def _value(self, item: Argument | Option, label: str, word: Word) -> Any:
        try:
            value = read_value(item, word, self.namespace)
        except UsageError as error:
            self._problem(f"{label}: {inline(error)}")
            return None
        if item.choices and value not in item.choices:
            near = nearest(str(value), item.choices) or f"It is one of {', '.join(item.choices)}."
            self._problem(f"{label} cannot be {value!r}. {near}")
            return None
        return value

    def _problem(self, text: str) -> None:
        self.problems.append(text)

    def _finish(self) -> None:
        hint = self._mended or f"Help: {self.called} --help"
        if len(self.problems) == 1:
            raise UsageError(f"{self.called}: {self.problems[0]}", hint=hint)
        if self.problems:
            raise UsageError(f"{self.called} cannot read this line:", problems=self.problems, hint=hint)


def _nearest_flag(name: str, known: Iterable[str]) -> str:
    """Return the sentence that offers the flag that may have been meant. The dashes, which all share, do not count."""
    return _nearest(name.strip("-").replace("_", "-"), (flag.strip("-") for flag in known), dashes="--")


def _nearest(name: str, known: Iterable[str], *, dashes: str = "") -> str:
    """Return the sentence that offers what is very near, or an empty string."""
    from difflib import get_close_matches

    matches = get_close_matches(name, list(known), n=2, cutoff=0.7)
    return f"Did you mean {' or '.join(f'{dashes}{match}' for match in matches)}?" if matches else ""


@dataclass(frozen=True, slots=True)
class Line:
    """The line of a magic and the body below it."""

    text: str
    body: str | None
    body_first_line: int


def continued(line: str, body: str | None) -> Line:
    """Join the line with the body's lines for as long as it ends with a backslash.

    Raises:
        UsageError: it goes on, and nothing follows.
    """
    first = 2
    while _goes_on(line):
        if not body:
            raise UsageError("the line ends with a backslash, and no line follows.")
        following, _, body = body.partition("\n")
        line = f"{line.rstrip()[:-1].rstrip()} {following.strip()}"
        first += 1
    return Line(line.strip(), body, first)


def _goes_on(line: str) -> bool:
    stripped = line.rstrip()
    return (len(stripped) - len(stripped.rstrip("\\"))) % 2 == 1
