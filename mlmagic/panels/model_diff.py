"""Two versions of models side by side."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.diff import diff_lines, file_html, section_html, section_text
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.numbers import best, number
from mlmagic.panels.text import fit, folded, one_line, table
from mlmagic.spec.codec import encode
from mlmagic.spec.model_report import ModelDiff, OutputDifference, PredictionDifference, RowDifference
from mlmagic.spec.report import Difference

MIME_TYPE = "application/vnd.mlmagic.modeldiff+json"
_NONE = "—"
_BEST = "★"
_EQUAL = "They answer all rows alike."
_CELL, _CELL_IN_TEXT = 40, 20


def model_diff_bundle(diff: ModelDiff) -> Bundle:
    """Return what two versions have differently, and what is the same."""
    return document(MIME_TYPE, encode(diff), html=_html(diff), text=_text(diff))


def _sections(diff: ModelDiff) -> list[tuple[str, Sequence[Difference]]]:
    return [
        ("metrics", _with_best(diff.metrics)),
        ("flags", diff.flags),
        ("signature", diff.signature),
        ("origin", diff.origin),
    ]


def _with_best(rows: Sequence[Difference]) -> list[Difference]:
    """Mark the better value of each metric whose name tells which end is better."""
    marked = []
    for row in rows:
        values = [None if text is None else float(text) for text in (row.first, row.second)]
        winners = best(row.key, values)
        texts = [f"{_BEST} {text}" if at in winners else text for at, text in enumerate((row.first, row.second))]
        marked.append(Difference(key=row.key, first=texts[0], second=texts[1]))
    return marked


def _same(diff: ModelDiff) -> str | None:
    """Return a sentence on what is the same; None where everything differs."""
    if diff.first == diff.second:
        return "It is one and the same version."
    names = [name for name, rows in _sections(diff) if not rows]
    names += [] if diff.code or diff.code_note else ["code"]
    *most, last = names or [""]
    return f"The same: {', '.join(most)} and {last}." if most else f"The same: {last}." if last else None


def _heading(predictions: PredictionDifference) -> str:
    rows = f"{predictions.rows:,} row{'' if predictions.rows == 1 else 's'}"
    return f"Predictions for {rows} of {predictions.source}"


def _is_equal(predictions: PredictionDifference) -> bool:
    return all(not output.largest and not output.changed for output in predictions.outputs)


def _output_cells(output: OutputDifference) -> list[str]:
    means = [_NONE if value is None else number(value) for value in (output.first, output.second)]
    changed = _NONE if output.changed is None else f"{output.changed:.1%}"
    apart = [_NONE if value is None else number(value) for value in (output.mean, output.largest)]
    return [output.name, *means, *apart, changed]


_OUTPUT_HEADER = ("Output", "Mean of first", "of second", "Mean difference", "Largest", "Other class")


def _html(diff: ModelDiff) -> Html:
    same = _same(diff)
    return theme.card(
        theme.heading(theme.title(diff.first), theme.faint("→"), theme.title(diff.second)),
        theme.row(same, top="6px") if same else None,
        *(section_html(name, rows) for name, rows in _sections(diff) if rows),
        *_predictions_html(diff),
        theme.row(theme.faint(diff.silence)) if diff.silence else None,
        theme.row(theme.faint(diff.code_note)) if diff.code_note else None,
        *(file_html(file, is_open=False) for file in diff.code),
    )


def _predictions_html(diff: ModelDiff) -> list[Html]:
    predictions = diff.predictions
    if predictions is None:
        return []
    parts = [theme.row(element("strong", _heading(predictions)), top="12px")]
    if not predictions.outputs:
        return [*parts, theme.row(theme.faint("They have no output in common."))]
    rows = [_output_cells(output) for output in predictions.outputs]
    parts.append(theme.table(_OUTPUT_HEADER, rows, right=range(1, len(_OUTPUT_HEADER))))
    if _is_equal(predictions):
        return [*parts, theme.row(_EQUAL)]
    cells = [[theme.mono(row.row), row.first, row.second, _values_html(row)] for row in predictions.largest]
    parts.append(theme.table(["Row that differs most", diff.first, diff.second, "Its values"], cells, wraps=[3]))
    return parts


def _values_html(row: RowDifference) -> Html:
    return theme.faint(join([", ".join(f"{name} {fit(value, _CELL)}" for name, value in row.values.items())]))


def _text(diff: ModelDiff) -> str:
    same = _same(diff)
    lines = [f"- {diff.first}", f"+ {diff.second}", *([same] if same else [])]
    for name, rows in _sections(diff):
        lines += ["", *section_text(name, rows)] if rows else []
    lines += _predictions_text(diff)
    for note in (diff.silence, diff.code_note):
        lines += ["", *folded(note)] if note else []
    for file in diff.code:
        lines += ["", one_line(file.name), *(line for _, line in diff_lines(file.text))]
    return "\n".join(lines)


def _predictions_text(diff: ModelDiff) -> list[str]:
    predictions = diff.predictions
    if predictions is None:
        return []
    if not predictions.outputs:
        return ["", _heading(predictions), "They have no output in common."]
    rows = [_output_cells(output) for output in predictions.outputs]
    header = ["OUTPUT", "FIRST", "SECOND", "DIFFERENCE", "LARGEST", "OTHER CLASS"]
    lines = ["", _heading(predictions), table(header, rows, flexible=0, right=range(1, len(header)))]
    if _is_equal(predictions):
        return [*lines, _EQUAL]
    cells = [
        [
            fit(row.row, _CELL_IN_TEXT),
            *(fit(text, _CELL_IN_TEXT) for text in (row.first, row.second)),
            " ".join(f"{name}={value}" for name, value in row.values.items()),
        ]
        for row in predictions.largest
    ]
    return [*lines, "", table(["DIFFER MOST", "FIRST", "SECOND", "VALUES"], cells, flexible=3)]
