"""The scalars of one TensorBoard event file, as it grows; without TensorFlow, TensorBoard or protobuf.

A file is a row of TFRecords: length (8 bytes), its checksum (4), an `Event` as protobuf, its checksum (4). An event has
`wall_time` = 1, `step` = 2, `summary` = 5, `session_log` = 7; a summary has `value` = 1; a value has `tag` = 1,
`simple_value` = 2, `tensor` = 8, `metadata` = 9.
"""

from __future__ import annotations

import os
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlmagic.runtime.crc32c import masked_crc32c, masked_crc32c_of_each
from mlmagic.runtime.event_values import MalformedError, SummaryValue, fields, read_varint, summary_values

_CHUNK = 4 << 20
_HEADER, _FOOTER = 12, 4
# What is remembered about a file to read it faster; a program may make up a tag for each step.
_MEMORY = 2000
_SESSION_STARTED = 1

_double, _uint32 = struct.Struct("<d"), struct.Struct("<I")


Point = tuple[int, float, float]
"""Step, seconds since 1970, value. A plain tuple: there are 100,000s, and nothing is made or kept more cheaply."""


class _Template(NamedTuple):
    """Events of one tag differ in their time, step and value alone: this is the rest of one, around the value."""

    tag: str
    before: bytes
    after: bytes
    length: int
    """With the checksum."""
    layout: struct.Struct
    value_at: int
    after_at: int


@dataclass(frozen=True, slots=True)
class _Event:
    """What an event tells: points by tag, or that all points from a step on are void."""

    points: tuple[tuple[str, Point], ...] = ()
    void_from: int | None = None


class EventFile:
    """Reads on where it stopped. A record that is not there in full waits, and one that fails its check is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.points: dict[str, dict[int, Point]] = defaultdict(dict)
        """Tag → step → the last value of that step."""
        self.void_from: int | None = None
        """Points of earlier files from this step on are void."""
        self._offset = 0
        self._lengths: dict[bytes, int] = {}
        self._templates: dict[bytes, _Template] = {}
        self._plugins: dict[str, str] = {}

    def _forget(self) -> None:
        self._offset, self.void_from = 0, None
        for memory in (self.points, self._templates, self._plugins):
            memory.clear()

    def read(self) -> dict[str, list[Point]]:
        """Return the points that are new in the file, by tag; of a file that became shorter, all.

        Raises:
            OSError: it cannot be read, or is gone.
        """
        new: defaultdict[str, list[Point]] = defaultdict(list)
        # Opening waits for nobody, should it be a pipe by this name.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            size = os.fstat(file.fileno()).st_size
            if size < self._offset:
                self._forget()  # another file by the same name
            while self._offset + _HEADER < size:
                file.seek(self._offset)
                buffer = file.read(_CHUNK)
                records, used = self._records(buffer)
                if not records:
                    if not self._skip_giant(buffer, size):
                        break
                    continue
                used -= self._take(records, new, is_end=self._offset + used == size)
                if not used:
                    break
                self._offset += used
        return dict(new)

    def _records(self, buffer: bytes) -> tuple[list[bytes], int]:
        """Return the records that are there in full, with their checksums, and how many bytes they take."""
        records, lengths = [], self._lengths
        at, size = 0, len(buffer)
        while at + _HEADER < size:
            header = buffer[at : at + _HEADER]
            length = lengths.get(header)
            if length is None:
                length = _length(header)
                if length is None:
                    break
                if len(lengths) > _MEMORY:
                    lengths.clear()
                lengths[header] = length
            end = at + _HEADER + length + _FOOTER
            if end > size:
                break
            records.append(buffer[at + _HEADER : end])
            at = end
        return records, at

    def _skip_giant(self, buffer: bytes, size: int) -> bool:
        """Pass over a record that is larger than what is read at once: a graph or an image, never a scalar."""
        length = _length(buffer[:_HEADER])
        end = 0 if length is None else self._offset + _HEADER + length + _FOOTER
        if length is None or length + _HEADER + _FOOTER <= _CHUNK or end > size:
            return False
        self._offset = end
        return True

    def _take(self, records: Sequence[bytes], new: defaultdict[str, list[Point]], *, is_end: bool) -> int:
        """Keep the scalars, and return how many bytes at the end are to be read again."""
        found: list[tuple[int, tuple[str, Point]]] = []
        voids: dict[int, int] = {}
        quick_point = self._quick_point
        for place, record in enumerate(records):
            if quick := quick_point(record):
                found.append((place, quick))
            elif event := self._event(record):
                if event.void_from is not None:
                    voids[len(found)] = event.void_from
                found += [(place, point) for point in event.points]
        sound = _sound(records, [place for place, _ in found])
        for number, (place, (tag, point)) in enumerate(found):
            if voids and number in voids:
                self._void(voids.pop(number))
            if place in sound:
                self.points[tag][point[0]] = point
                new[tag].append(point)
        for step in voids.values():
            self._void(step)
        # The last record of a file may be one whose bytes are still on their way.
        last = len(records) - 1
        is_waiting = is_end and found and found[-1][0] == last and last not in sound
        return _HEADER + len(records[last]) if is_waiting else 0

    def _void(self, first: int) -> None:
        self.void_from = first if self.void_from is None else min(self.void_from, first)
        for series in self.points.values():
            for step in [step for step in series if step >= first]:
                del series[step]

    def _quick_point(self, record: bytes) -> tuple[str, Point] | None:
        """Read an event that has a time, perhaps a step, and a single value like one that was read before."""
        try:
            if record[0] != 0x09:
                return None
            at, step = 9, 0
            if record[9] == 0x10:
                step, at = record[10], 11
                if step >= 0x80:
                    step, at = read_varint(record, 10)
            # The tag stands behind five bytes, mostly, and its length.
            template = self._templates.get(record[at : at + 6 + record[at + 5]])
            if template is None:
                return None
            tag, before, after, length, layout, offset, after_at = template
            if (
                len(record) != at + length
                or not record.startswith(before, at)
                or not record.startswith(after, at + after_at)
            ):
                return None
            return tag, (step, _double.unpack_from(record, 1)[0], layout.unpack_from(record, at + offset)[0])
        except (MalformedError, IndexError):
            return None

    def _event(self, record: bytes) -> _Event | None:
        try:
            return self._any_event(record)
        except (MalformedError, IndexError, struct.error):
            return None

    def _any_event(self, record: bytes) -> _Event | None:
        end = len(record) - _FOOTER
        wall_time, step, is_restart = 0.0, 0, False
        values: list[SummaryValue] = []
        summary_at = 0
        for field in fields(record, 0, end):
            match field.number, field.wire:
                case 1, 1:
                    (wall_time,) = _double.unpack_from(record, field.start)
                case 2, 0:
                    step = field.signed
                case 5, 2:
                    values += summary_values(record, field.start, field.end, self._plugins)
                    summary_at = field.at
                case 7, 2:
                    is_restart = any(
                        (part.number, part.wire, part.value) == (1, 0, _SESSION_STARTED)
                        for part in fields(record, field.start, field.end)
                    )
        if is_restart:
            return _Event(void_from=step)
        points = tuple((value.tag, (step, wall_time, value.value)) for value in values if value.is_scalar)
        if len(values) == len(points) == 1:
            self._learn(values[0], record[:end], summary_at)
        return _Event(points) if points else None

    def _learn(self, value: SummaryValue, event: bytes, summary_at: int) -> None:
        if value.format is None:
            return
        rest, value_at = event[summary_at:], value.at - summary_at
        after_at = value_at + value.format.size
        if len(self._templates) > _MEMORY:
            self._templates.clear()
        self._templates[rest[: 6 + rest[5]]] = _Template(
            tag=value.tag,
            before=rest[:value_at],
            after=rest[after_at:],
            length=len(rest) + _FOOTER,
            layout=value.format,
            value_at=value_at,
            after_at=after_at,
        )


def _length(header: bytes) -> int | None:
    """Return the length of a record; None if this is not the head of one."""
    if len(header) < _HEADER or _uint32.unpack_from(header, 8)[0] != masked_crc32c(header[:8]):
        return None
    return int.from_bytes(header[:8], "little")


def _sound(records: Sequence[bytes], places: Iterable[int]) -> set[int]:
    """Return those of the places at which the record has the checksum that it should have."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for place in dict.fromkeys(places):
        by_length[len(records[place])].append(place)
    sound: set[int] = set()
    for length, alike in by_length.items():
        expected = masked_crc32c_of_each([records[place][:-_FOOTER] for place in alike])
        stored = struct.unpack(f"<{len(alike)}I", b"".join([records[place][length - _FOOTER :] for place in alike]))
        sound.update([place for place, crc, own in zip(alike, expected, stored, strict=True) if crc == own])
    return sound
