"""The help of a magic, from its table: what `--help` prints and `?` shows."""

from __future__ import annotations

import textwrap

from mlmagic.magics.tables import Argument, Command, Magic, Option

_WIDTH, _COLUMN = 80, 24
_HELP = Option(name="help", short="h", help="show this")


def help_text(magic: Magic, subcommand: str | None = None, *, is_cell: bool = False) -> str:
    """Return the help of a magic or of one of its subcommands, as `--help` and `?` show it.

    `is_cell` asks for what a cell of a magic does that has subcommands too.
    """
    if magic.subcommands and subcommand is None and not (is_cell and magic.command.body):
        return _overview(magic)
    command = magic.subcommands[subcommand] if subcommand else magic.command
    sections = [_usage(magic, command, subcommand), _paragraph(_sentence(command.summary))]
    if command.arguments:
        sections.append(_columns([(argument.metavar, _told(argument)) for argument in command.arguments]))
    options = [*(option for option in command.options if option.is_listed), _HELP]
    sections.append("Flags\n" + _columns([(_option_usage(option), _told(option)) for option in options]))
    if command.body:
        sections.append("Body\n" + _paragraph(command.body, indent="  "))
    if command.examples:
        sections.append(_examples(command))
    return "\n\n".join(sections)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _overview(magic: Magic) -> str:
    rows = []
    for name, command in magic.subcommands.items():
        words = _signature(command)
        label = f"[{name}]" if name == magic.default else name
        rows.append((" ".join([f"%{magic.name} {label}", *words]), command.summary))
    forms = ["\n".join(magic.command.forms)] if magic.command.forms else []
    text = "\n\n".join([*forms, _paragraph(magic.command.summary), _columns(rows)])
    one = next((name for name, command in magic.subcommands.items() if command.options), next(iter(magic.subcommands)))
    more = f"More of each: %{magic.name} {one} --help"
    more += f", and of the cell: %%{magic.name} --help" if magic.command.body else ""
    return "\n\n".join([text, _examples(magic.command), more])


def _examples(command: Command) -> str:
    return "Examples\n" + _columns([(line.replace("\n", "\n  "), what) for line, what in command.examples])


def _usage(magic: Magic, command: Command, subcommand: str | None) -> str:
    if command.forms:
        return "\n".join(command.forms)
    sign = "%%" if command.body else "%"
    words = [f"{sign}{magic.name}", *([subcommand] if subcommand else []), *_signature(command)]
    return " ".join(words)


def _signature(command: Command) -> list[str]:
    names = [f"{a.metavar}…" if a.is_repeatable else a.metavar for a in command.arguments]
    words = [n if a.is_required else f"[{n}]" for n, a in zip(names, command.arguments, strict=True)]
    return [
        *words,
        *(["[flags]"] if command.options else []),
        *(["[-- program arguments]"] if command.takes_program and not command.is_program_known else []),
    ]


def _option_usage(option: Option) -> str:
    metavar = option.metavar if option.bare is None else f"[{option.metavar}]"
    value = f" {metavar}" if metavar else ""
    return (f"-{option.short}, " if option.short else "") + option.flag + value


def _told(item: Argument | Option) -> str:
    words = [item.help]
    if item.choices:
        words.append(f"one of {', '.join(item.choices)}")
    if isinstance(item, Option):
        words += ["may be repeated"] if item.is_repeatable else []
        words += [f"by default {item.default}"] if item.default is not None else []
    return "; ".join(words)


def _columns(rows: list[tuple[str, str]]) -> str:
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, _WIDTH - _COLUMN - 2)
        # A name that is too long for its column has a line of its own.
        head = f"  {name:<{_COLUMN - 2}}  " if len(name) <= _COLUMN - 2 else f"  {name}\n{' ' * (_COLUMN + 2)}"
        lines += [head + wrapped[0], *(" " * (_COLUMN + 2) + line for line in wrapped[1:])]
    return "\n".join(lines)


def _paragraph(text: str, indent: str = "") -> str:
    parts = [textwrap.fill(part, _WIDTH, initial_indent=indent, subsequent_indent=indent) for part in text.split("\n")]
    return "\n".join(parts)
