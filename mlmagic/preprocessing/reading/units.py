"""Files divided into units of about the same size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mlmagic.preprocessing.reading.source import Piece, Unit

LARGEST = 32 << 20
SMALLEST = 4 << 20
_UNITS = 16
"""So many there are at least, unless they would be smaller than the smallest."""

Cut = Callable[[Piece, int], tuple[Piece, Piece | None]]
"""Divide a piece after about so many bytes; the second is None if nothing is left."""


def divide(pieces: Sequence[Piece], cut: Cut) -> tuple[Unit, ...]:
    """Put the pieces into units in their order, cut where they may be: small files together, a large one in several.

    It depends on the files alone, never on the machine.
    """
    total = sum(piece.size for piece in pieces)
    target = min(LARGEST, max(SMALLEST, -(-total // _UNITS)))
    # All of them equally large, rather than a small one at the end.
    target = -(-total // max(1, round(total / target)))
    return tuple(Unit(index=index, pieces=tuple(group)) for index, group in enumerate(_groups(pieces, cut, target)))


def _groups(pieces: Iterable[Piece], cut: Cut, target: int) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    room = target
    for piece in pieces:
        rest: Piece | None = piece
        while rest is not None:
            # No slivers: a unit may be an eighth larger or smaller.
            if group and room < target // 8:
                yield group
                group, room = [], target
            taken, rest = (rest, None) if rest.size <= room + target // 8 else cut(rest, room)
            group.append(taken)
            room -= taken.size
    if group:
        yield group


def uncut(piece: Piece, size: int) -> tuple[Piece, Piece | None]:  # noqa: ARG001 - it is a Cut
    """Leave a piece whole."""
    return piece, None


def cut_at(piece: Piece, place: int, size: int) -> tuple[Piece, Piece]:
    """Divide a piece there; the first part has this size."""
    return replace(piece, stop=place, size=size), replace(piece, start=place, size=piece.size - size)
