"""Lines of JSON, read one by one: every value as text, so that each bad row is found and no digit is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mlmagic.preprocessing.reading.rejections import Fault
from mlmagic.preprocessing.reading.text import BOM

_LINE = re.compile(rb"[^\r\n]+")


class Literal(str):
    """A number as it is written, as opposed to text."""

    __slots__ = ()


class Faulty(Exception):  # noqa: N818 - the row is, not the program
    """A line that is no row."""

    def __init__(self, reason: str, told: str | None = None) -> None:
        super().__init__(reason)
        self.fault: Fault = (reason, told or reason)


def lines_of(data: bytes) -> list[tuple[int, int]]:
    """Return where the lines start and stop that are not blank."""
    spans = [match.span() for match in _LINE.finditer(data)]
    return [(start, stop) for start, stop in spans if not data[start:stop].isspace()]


def read_object(line: bytes) -> dict[str, object]:
    """Return the members of the object on a line, numbers as `Literal`.

    Raises:
        Faulty: there is none, or not only one.
    """
    try:
        text = line.removeprefix(BOM).decode()
        row = json.loads(
            text, object_pairs_hook=_members, parse_int=Literal, parse_float=Literal, parse_constant=Literal
        )
        if "\\u" in text:
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise Faulty("not UTF-8", f"not UTF-8: byte 0x{line[error.start]:02x}") from error
    except UnicodeEncodeError as error:
        raise Faulty("half of a surrogate pair") from error
    except RecursionError as error:
        raise Faulty("not JSON", "nested too deeply") from error
    except json.JSONDecodeError as error:
        raise Faulty("not JSON", f"not JSON: {error.msg} at character {error.pos + 1}") from error
    if not isinstance(row, dict):
        raise Faulty("not a JSON object")
    if "" in row:
        raise Faulty("an empty key")
    return row


def is_nested(value: object) -> bool:
    """Whether it is an object or an array."""
    return isinstance(value, dict | list)


def value_text(value: object, null_values: Sequence[str]) -> str | None:
    """Return the value as text, None for a missing one; what is nested as JSON."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Literal():
            return None if value in null_values else str(value)
        case str():
            return value
    return json.dumps(_plain(value), ensure_ascii=False)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(name for index, (name, _) in enumerate(pairs) if name in dict(pairs[:index]))
        raise Faulty("a key twice", f"{json.dumps(twice, ensure_ascii=False)} stands there twice")
    return members


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Literal):
        return int(value) if value.lstrip("-").isdecimal() and len(value) < 4000 else float(value)
    return value
