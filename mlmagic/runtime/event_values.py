"""As much of protobuf's encoding as it takes to find the scalars in a TensorBoard summary."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_BFLOAT16 = 14
_HALF = 19

_FORMATS: Mapping[int, struct.Struct] = MappingProxyType(
    {
        kind: struct.Struct(f"<{letter}")
        for kind, letter in {
            1: "f", 2: "d", 3: "i", 4: "B", 5: "h", 6: "b", 9: "q", 10: "?",
            _BFLOAT16: "H", 17: "H", _HALF: "e", 22: "I", 23: "Q",
        }.items()
    }
)  # fmt: skip
"""TensorFlow's numbers of types → how a value lies in `tensor_content`."""

# The fields of TensorProto that hold values one by one.
_FLOAT_VAL, _DOUBLE_VAL, _HALF_VAL = 5, 6, 13
_VARINT_VALS = frozenset({7, 10, 11, 16, 17})
_UNSIGNED_VALS = frozenset({16, 17})


class MalformedError(ValueError):
    """These bytes are no such message."""


class Field(NamedTuple):
    """A field of a message. `value` is that of a varint; anything else lies from `start` to `end`."""

    number: int
    wire: int
    at: int
    start: int
    end: int
    value: int

    @property
    def signed(self) -> int:
        """The varint as a signed number."""
        return _signed(self.value)


@dataclass(slots=True)
class SummaryValue:
    """One value of a summary. `format` and `at` say where a single number lies, if it has a fixed width."""

    tag: str = ""
    value: float = 0.0
    is_scalar: bool = False
    format: struct.Struct | None = None
    at: int = 0


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a varint, as a signed 64-bit number, and where it ends.

    Raises:
        MalformedError: it is longer than a varint can be.
        IndexError: the data ends within it.
    """
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, at = _unsigned(data, at)
    return _signed(value), at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise MalformedError("a varint of more than ten bytes")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    """Give the fields of the message that lies in the data from `at` to `end`.

    Raises:
        MalformedError: it is none.
    """
    while at < end:
        begin = at
        key, at = _unsigned(data, at)
        number, wire, start, value = key >> 3, key & 7, at, 0
        if wire == _VARINT:
            value, at = _unsigned(data, at)
        elif wire == _FIXED64:
            at += 8
        elif wire == _FIXED32:
            at += 4
        elif wire == _BYTES:
            size, start = _unsigned(data, at)
            at = start + size
        else:
            raise MalformedError(f"wire type {wire}")
        if at > end:
            raise MalformedError("a field that reaches beyond its message")
        yield Field(number, wire, begin, start, at, value)


def summary_values(data: bytes, start: int, end: int, plugins: dict[str, str]) -> list[SummaryValue]:
    """Return the values of a summary.

    `plugins` remembers which plugin a tag belongs to: writers may say so only the first time.

    Raises:
        MalformedError: it is no summary.
    """
    return [
        _summary_value(data, field.start, field.end, plugins)
        for field in fields(data, start, end)
        if (field.number, field.wire) == (1, _BYTES)
    ]


def _summary_value(data: bytes, start: int, end: int, plugins: dict[str, str]) -> SummaryValue:
    found = SummaryValue()
    tensor: Field | None = None
    plugin: str | None = None
    for field in fields(data, start, end):
        match field.number, field.wire:
            case 1, 2:
                found.tag = data[field.start : field.end].decode("utf-8", "replace")
            case 2, 5:
                found.is_scalar, found.format, found.at = True, _FORMATS[1], field.start
                (found.value,) = found.format.unpack_from(data, found.at)
            case 8, 2:
                tensor = field
            case 9, 2:
                plugin = _plugin(data, field)
    if plugin is not None:
        plugins.setdefault(found.tag, plugin)
    if tensor is not None and plugins.get(found.tag, "scalars") == "scalars":
        _read_tensor(data, tensor, found)
    return found


def _plugin(data: bytes, metadata: Field) -> str | None:
    """Return `metadata.plugin_data.plugin_name`."""
    for field in fields(data, metadata.start, metadata.end):
        if (field.number, field.wire) == (1, _BYTES):
            for name in fields(data, field.start, field.end):
                if (name.number, name.wire) == (1, _BYTES):
                    return data[name.start : name.end].decode("utf-8", "replace")
    return None


def _read_tensor(data: bytes, tensor: Field, found: SummaryValue) -> None:
    kind, size, content = 0, 1, None
    values: list[Field] = []
    for field in fields(data, tensor.start, tensor.end):
        match field.number, field.wire:
            case 1, 0:
                kind = field.value
            case 2, 2:
                size = _size(data, field)
            case 4, 2 if field.end > field.start:
                content = field
            case _ if field.number >= _FLOAT_VAL and field.end > field.start:
                values.append(field)
    if kind not in _FORMATS or size != 1:
        return
    # A tensor of zeros may come without any value.
    number = 0.0
    if content is not None:
        number = _read_content(data, content, kind, found)
    elif values:
        number = _read_value(data, values[0], kind, found)
    found.value, found.is_scalar = number, True


def _size(data: bytes, shape: Field) -> int:
    """Return how many elements a tensor of this shape has."""
    size = 1
    for dimension in fields(data, shape.start, shape.end):
        if (dimension.number, dimension.wire) == (2, _BYTES):
            parts = fields(data, dimension.start, dimension.end)
            size *= next((part.signed for part in parts if (part.number, part.wire) == (1, _VARINT)), 0)
    return size


def _read_content(data: bytes, content: Field, kind: int, found: SummaryValue) -> float:
    layout = _FORMATS[kind]
    if content.end - content.start != layout.size:
        raise MalformedError("tensor_content of another size than its shape says")
    (number,) = layout.unpack_from(data, content.start)
    if kind == _BFLOAT16:
        return _bfloat16(number)
    found.format, found.at = layout, content.start
    return float(number)


def _read_value(data: bytes, field: Field, kind: int, found: SummaryValue) -> float:
    if field.number in (_FLOAT_VAL, _DOUBLE_VAL):
        layout = _FORMATS[1 if field.number == _FLOAT_VAL else 2]
        if field.end - field.start < layout.size:
            raise MalformedError("a value that is cut off")
        found.format, found.at = layout, field.start
        return float(layout.unpack_from(data, field.start)[0])
    if field.number != _HALF_VAL and field.number not in _VARINT_VALS:
        raise MalformedError(f"a number in field {field.number} of a tensor")
    raw = field.value if field.wire == _VARINT else _unsigned(data, field.start)[0]
    if field.number in _VARINT_VALS:
        return float(raw if field.number in _UNSIGNED_VALS else _signed(raw))
    if kind == _BFLOAT16:
        return _bfloat16(raw)
    return float(struct.unpack("<e", struct.pack("<H", raw & 0xFFFF))[0])


def _bfloat16(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0])
