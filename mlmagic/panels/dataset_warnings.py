"""What looks wrong in a dataset, in words: one paragraph for each kind, with the columns that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import fit, one_line, wrapped
from mlmagic.spec.dataset_report import DatasetWarning, WarningKind

_SHOWN = 8
_NAME_WIDTH = 60
_HEADINGS = {
    WarningKind.NO_ROWS: ("Without rows", "Give it a larger part of them."),
    WarningKind.LEAK: (
        "May leak the target",
        "That part of it is told by the column alone. What is not known yet when a model predicts, clean should drop.",
    ),
    WarningKind.SPLITS_DIFFER: ("Splits differ", "What is measured on one may not hold for another."),
    WarningKind.EMPTY: ("Empty", "No value in train: a model learns nothing from them."),
    WarningKind.CONSTANT: ("Constant", "One value in train: a model learns nothing from them."),
    WarningKind.MOSTLY_MISSING: ("Mostly missing", "More than half of their values."),
    WarningKind.CARDINALITY: (
        "Nearly as many values as rows",
        "Identifiers, it seems: learned by heart, they do not generalise.",
    ),
    WarningKind.SPELLING: ("Spelled differently", "Values that differ only in case or blanks count as others."),
}


def warnings_html(warnings: Sequence[DatasetWarning]) -> Html | None:
    """Return all that looks wrong; None where nothing does."""
    if not warnings:
        return None
    return theme.notice(*(_paragraph(kind, group) for kind, group in _groups(warnings)), colour=theme.AMBER)


def warnings_text(warnings: Sequence[DatasetWarning]) -> list[str]:
    """Return the same as lines of text."""
    lines = []
    for kind, group in _groups(warnings):
        heading, advice = _HEADINGS[kind]
        names = [f"{_name(each)} ({each.detail})" for each in group[:_SHOWN]]
        lines += wrapped(f"! {heading}: ", [*names, *_more(group)], separator=", ")
        lines += wrapped("  ", advice.split(" "), separator=" ")
    return lines


def _paragraph(kind: WarningKind, group: Sequence[DatasetWarning]) -> Html:
    heading, advice = _HEADINGS[kind]
    named = [join([theme.mono(_name(each)), " ", theme.faint(f"({each.detail})")]) for each in group[:_SHOWN]]
    colour = f"color:{theme.toned(theme.AMBER)}"
    return element(
        "div",
        element("strong", f"{heading}: ", style=colour),
        join([*named, *_more(group)], ", "),
        theme.faint(f". {advice}"),
        style="margin:2px 0",
    )


def _groups(warnings: Sequence[DatasetWarning]) -> list[tuple[WarningKind, list[DatasetWarning]]]:
    order = list(_HEADINGS)
    ordered = sorted(warnings, key=lambda warning: order.index(warning.kind))
    return [(kind, list(group)) for kind, group in groupby(ordered, key=lambda warning: warning.kind)]


def _more(group: Sequence[DatasetWarning]) -> list[str]:
    left = len(group) - _SHOWN
    return [f"and {left:,} more"] if left > 0 else []


def _name(warning: DatasetWarning) -> str:
    return fit(one_line(warning.subject) or repr(warning.subject), _NAME_WIDTH)
