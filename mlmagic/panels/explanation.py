"""Explained predictions: what matters in all rows, and for each of the first ones a bar for each feature."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element
from mlmagic.panels.numbers import column, number
from mlmagic.panels.text import fit, folded, one_line, spread, table
from mlmagic.spec.codec import encode
from mlmagic.spec.explanation import Contribution, ExplainedRow, ExplanationReport, Method

MIME_TYPE = "application/vnd.mlmagic.explanation+json"
_TOP = 8
_BAR = 12
_NAME_WIDTH, _VALUE_WIDTH = 28, 20
_NONE = "—"
_METHODS = {Method.SHAPLEY: "Shapley values", Method.GRADIENTS: "integrated gradients"}


def explanation_bundle(report: ExplanationReport) -> Bundle:
    """Return the page of an explanation."""
    return document(MIME_TYPE, encode(report), html=_html(report), text=_text(report))


def _rows_text(report: ExplanationReport) -> str:
    return f"{report.rows:,} row{'s' * (report.rows != 1)}"


def _method_text(report: ExplanationReport) -> str:
    """Return how it was found: `prediction by Shapley values, 64 permutations; usual: 32 draws from …`."""
    count = f"{report.samples} {'permutations' if report.method is Method.SHAPLEY else 'steps'}"
    return f"{one_line(report.output)} by {_METHODS[report.method]}, {count}; usual: {one_line(report.baseline)}"


def _notes(report: ExplanationReport) -> list[str]:
    sampled = "± is the standard error of the sampling; --permutations makes it smaller."
    return [*([sampled] if report.method is Method.SHAPLEY else []), *report.notes]


def _heading(row: ExplainedRow) -> str:
    """Return what one row is: `row 3: prediction 12.4, usual 9.1`."""
    prediction, baseline = (_NONE if value is None else number(value) for value in (row.prediction, row.baseline))
    return f"row {one_line(row.row)}: {one_line(row.output)} {prediction}, usual {baseline}"


def _amounts(shown: Sequence[Contribution]) -> list[str]:
    found = column([each.amount for each in shown])
    return [
        f"+{text}" if each.amount is not None and each.amount > 0 else text
        for each, text in zip(shown, found, strict=True)
    ]


def _errors(shown: Sequence[Contribution]) -> list[str]:
    return ["" if each.error is None else f"± {number(each.error)}" for each in shown]


def _rest(row: ExplainedRow) -> str | None:
    """Return what the features that are not shown come to together."""
    others = row.contributions[_TOP:]
    known = [each.amount for each in others if each.amount is not None]
    return f"{len(others):,} more features: {sum(known):+.4g}" if others else None


def _largest(amounts: Sequence[float | None]) -> float:
    return max((abs(amount) for amount in amounts if amount is not None), default=0.0)


def _html(report: ExplanationReport) -> Html:
    return theme.card(
        theme.heading(theme.title(f"Why {report.version} predicts so"), right=_rows_text(report)),
        theme.row(theme.faint(_method_text(report)), top="2px"),
        # Of a single row its own table says the same.
        _influences_html(report) if report.rows > 1 else None,
        *(_row_html(row) for row in report.shown),
        *(theme.row(theme.faint(note)) for note in _notes(report)),
    )


def _influences_html(report: ExplanationReport) -> Html:
    shown = report.influences[:_TOP]
    largest = _largest([each.mean_size for each in shown])
    texts = column([each.mean_size for each in shown])
    rows: list[list[str]] = [
        [element("strong", fit(each.feature, _NAME_WIDTH)), text, _bar(each.mean_size, largest, theme.BLUE)]
        for each, text in zip(shown, texts, strict=True)
    ]
    return theme.folded(
        f"Mean size of contributions in {_rows_text(report)}",
        theme.table(["Feature", "Mean size", ""], rows, right={1}),
        is_open=True,
    )


def _row_html(row: ExplainedRow) -> Html:
    shown = row.contributions[:_TOP]
    largest = _largest([each.amount for each in shown])
    rows = [
        [
            element("strong", fit(each.feature, _NAME_WIDTH)),
            fit(each.value, _VALUE_WIDTH),
            amount,
            theme.faint(error),
            _diverging(each.amount, largest),
        ]
        for each, amount, error in zip(shown, _amounts(shown), _errors(shown), strict=True)
    ]
    rest = _rest(row)
    return theme.folded(
        _heading(row),
        theme.table(["Feature", "Value", "Moves it by", "", ""], rows, right={2}),
        theme.row(theme.faint(rest)) if rest else None,
        is_open=True,
    )


def _bar(amount: float | None, largest: float, colour: str) -> Html:
    """Return a bar, whose length is the part of the largest; the number beside it says the same."""
    part = abs(amount) / largest if amount is not None and largest else 0.0
    style = f"display:inline-block;height:10px;border-radius:2px;background:{colour};width:{100 * part:.1f}%"
    return element("span", style=style, aria_hidden="true")


def _diverging(amount: float | None, largest: float) -> Html:
    """Return a bar to the left of the middle for what lowers the prediction, to the right for what raises it."""
    is_up = amount is not None and amount > 0
    half = "display:inline-block;width:50%;box-sizing:border-box;vertical-align:middle;line-height:10px"
    bar = _bar(amount, largest, theme.BLUE if is_up else theme.RED)
    left = element("span", None if is_up else bar, style=f"{half};text-align:right;border-right:1px solid {theme.LINE}")
    right = element("span", bar if is_up else None, style=half)
    return element("div", left, right, style="min-width:8em;white-space:nowrap")


def _text(report: ExplanationReport) -> str:
    lines = [spread(f"Why {report.version} predicts so", _rows_text(report)), *folded(_method_text(report))]
    if report.rows > 1:
        lines += ["", _influences_text(report)]
    for row in report.shown:
        lines += ["", *folded(_heading(row)), _row_text(row)]
    return "\n".join([*lines, "", *(line for note in _notes(report) for line in folded(note))])


def _influences_text(report: ExplanationReport) -> str:
    shown = report.influences[:_TOP]
    largest = _largest([each.mean_size for each in shown])
    texts = column([each.mean_size for each in shown])
    rows = [
        [fit(each.feature, _NAME_WIDTH), text, _blocks(each.mean_size, largest)]
        for each, text in zip(shown, texts, strict=True)
    ]
    return table(["FEATURE", "MEAN SIZE", ""], rows, flexible=0, right={1})


def _row_text(row: ExplainedRow) -> str:
    shown = row.contributions[:_TOP]
    largest = _largest([each.amount for each in shown])
    rows = [
        [fit(each.feature, _NAME_WIDTH), fit(each.value, _VALUE_WIDTH), amount, error, _blocks(each.amount, largest)]
        for each, amount, error in zip(shown, _amounts(shown), _errors(shown), strict=True)
    ]
    told = table(["FEATURE", "VALUE", "MOVES IT BY", "", ""], rows, flexible=0, right={2})
    rest = _rest(row)
    return f"{told}\n{rest}" if rest else told


def _blocks(amount: float | None, largest: float) -> str:
    part = abs(amount) / largest if amount is not None and largest else 0.0
    return "█" * round(_BAR * part)
