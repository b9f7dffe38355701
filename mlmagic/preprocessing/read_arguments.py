"""The flags that say how the input is to be read."""

from __future__ import annotations

import argparse

from mlmagic.errors import UsageError, nearest
from mlmagic.preprocessing.reading.options import NULL_VALUES, Format, ReadOptions
from mlmagic.spec.dataset import ColumnType

__all__ = ["ReadOptions", "add_read_arguments", "read_options"]

_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_FORMATS = tuple(kind for kind in Format if kind is not Format.BIGQUERY)
_ALIASES = {
    "int": ColumnType.INTEGER,
    "int64": ColumnType.INTEGER,
    "float64": ColumnType.FLOAT,
    "double": ColumnType.FLOAT,
    "number": ColumnType.FLOAT,
    "bool": ColumnType.BOOLEAN,
    "str": ColumnType.STRING,
    "text": ColumnType.STRING,
    "datetime": ColumnType.TIMESTAMP,
    "time": ColumnType.TIMESTAMP,
}


def add_read_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the flags of reading."""
    group = parser.add_argument_group("how the input is read")
    group.add_argument("--format", choices=[kind.value for kind in _FORMATS], help="of the files; else found out")
    group.add_argument("--no-header", action="store_true", help="the first line of CSV files is a row")
    group.add_argument("--column-names", metavar="A,B,C", help="of CSV files, in place of a header's")
    group.add_argument(
        "--types", metavar="COL=TYPE,…", help=f"of columns, in place of what is guessed: {', '.join(ColumnType)}"
    )
    group.add_argument("--delimiter", help="between the fields of CSV files: one character, or tab; else found out")
    group.add_argument(
        "--null-values",
        metavar="A,B,C",
        help=f"what stands for a missing value, beside nothing: {','.join(NULL_VALUES)}",
    )
    group.add_argument(
        "--quoted-newlines",
        choices=["yes", "no"],
        help="whether quoted fields of CSV files hold line breaks; else found out from blocks of each file",
    )


def read_options(arguments: argparse.Namespace) -> ReadOptions:
    """Return what the flags say.

    Raises:
        UsageError: all that is wrong with them.
    """
    problems: list[str] = []
    options = ReadOptions(
        format=Format(arguments.format) if arguments.format else None,
        has_header=not arguments.no_header,
        column_names=_names(arguments.column_names, problems),
        types=_types(arguments.types, problems),
        delimiter=_delimiter(arguments.delimiter, problems),
        null_values=_null_values(arguments.null_values),
        has_quoted_newlines=None if arguments.quoted_newlines is None else arguments.quoted_newlines == "yes",
    )
    if problems:
        raise UsageError("The input cannot be read like this.", problems=problems)
    return options


def _names(value: str | None, problems: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",")) if value else ()
    if "" in names:
        problems.append(f"--column-names {value}: name {names.index('') + 1} is empty")
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        problems.append(f"--column-names {value}: {', '.join(twice)} stands there twice")
    return names


def _types(value: str | None, problems: list[str]) -> dict[str, ColumnType]:
    types: dict[str, ColumnType] = {}
    for part in value.split(",") if value else ():
        name, sign, word = (piece.strip() for piece in part.rpartition("="))
        kind = _ALIASES.get(word) or next((kind for kind in ColumnType if kind.value == word), None)
        if not sign or not name:
            problems.append(f"--types {part}: write it as COLUMN=TYPE")
        elif kind is None:
            problems.append(
                f"--types {part}: {word} is not among {', '.join(ColumnType)}. {nearest(word, ColumnType)}".rstrip()
            )
        elif name in types:
            problems.append(f"--types {part}: {name} stands there twice")
        else:
            types[name] = kind
    return types


def _delimiter(value: str | None, problems: list[str]) -> str | None:
    sign = _DELIMITERS.get(value, value) if value is not None else None
    if sign is not None and (len(sign) != 1 or not sign.isascii() or sign in '"\r\n\0'):
        problems.append(f"--delimiter {value!r}: is one ASCII character, and neither a quote nor a line break; or tab")
    return sign


def _null_values(value: str | None) -> tuple[str, ...]:
    return NULL_VALUES if value is None else tuple(dict.fromkeys(["", *value.split(",")]))
