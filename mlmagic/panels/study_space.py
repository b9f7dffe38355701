"""A search space as a table."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.markup import Html
from mlmagic.panels.study_words import condition_text
from mlmagic.panels.text import one_line, table
from mlmagic.spec.space_text import values_text
from mlmagic.spec.study import Parameter

_HEADER = ("Parameter", "Kind", "Values", "Where")


def space_html(parameters: Sequence[Parameter]) -> Html:
    """Return a row for each parameter."""
    rows = [[theme.mono(name), kind, values, where] for name, kind, values, where in _rows(parameters)]
    header = _HEADER if _has_conditions(parameters) else (*_HEADER[:3], "")
    return theme.table(header, rows, wraps=[2])


def space_text(parameters: Sequence[Parameter]) -> str:
    """Return the same for a terminal."""
    header, rows = [name.upper() for name in _HEADER], _rows(parameters)
    columns = len(header) if _has_conditions(parameters) else 3
    return table(header[:columns], [row[:columns] for row in rows], flexible=2)


def _rows(parameters: Sequence[Parameter]) -> list[list[str]]:
    return [
        [one_line(each.name), each.kind.lower(), one_line(values_text(each)), condition_text(each)]
        for each in parameters
    ]


def _has_conditions(parameters: Sequence[Parameter]) -> bool:
    return any(each.condition for each in parameters)
