"""Two versions of datasets side by side."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.dataset_bins import bars, quantile
from mlmagic.panels.dataset_chart import blocks, legend, spark_svg
from mlmagic.panels.dataset_columns import literal_name
from mlmagic.panels.dataset_values import NONE, share, top_texts, value_text
from mlmagic.panels.diff import diff_lines, file_html, section_html, section_text
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import fit, folded, one_line, table
from mlmagic.spec.codec import encode
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.dataset_report import DatasetDiff, InputDifference, Moved
from mlmagic.spec.report import Difference
from mlmagic.spec.statistics import ColumnStatistics

MIME_TYPE = "application/vnd.mlmagic.datasetdiff+json"
_SHOWN = 30
_SHOWN_FILES = 20
_SMALL = 0.01
_SAME = "They are the same: rows, columns, values, features and what they were made from."
_UNKNOWN_CODE = "The code differs; a job that made one of them is deleted, so it cannot be shown."


def dataset_diff_bundle(diff: DatasetDiff) -> Bundle:
    """Return what two versions have differently, and what is the same."""
    return document(MIME_TYPE, _payload(diff), html=_html(diff), text=_text(diff))


def _payload(diff: DatasetDiff) -> dict[str, object]:
    # The quantiles of all columns that moved would be most of a saved notebook.
    return {**encode(diff), "moved": [encode(each.drift) for each in diff.moved]}


def _sections(diff: DatasetDiff) -> list[tuple[str, Sequence[Difference]]]:
    return [("rows", diff.rows), ("columns", diff.columns), ("settings", diff.settings), ("features", diff.features)]


def _same(diff: DatasetDiff) -> str | None:
    """Return a sentence on what is the same; None where everything differs."""
    if diff.first == diff.second:
        return "It is one and the same version."
    names = [name for name, rows in _sections(diff) if not rows]
    names += [] if diff.moved or not diff.compared else ["values"]
    names += [] if diff.inputs or not diff.same_inputs else ["files that were read"]
    names += [] if _code_note(diff) or diff.code else ["code"]
    if len(names) == 7:
        return _SAME
    *most, last = names or [""]
    return f"The same: {', '.join(most)} and {last}." if most else f"The same: {last}." if last else None


def _code_note(diff: DatasetDiff) -> str | None:
    if not diff.is_code_known:
        return _UNKNOWN_CODE
    modules = f"{diff.own_modules} of its modules differ{'s' if diff.own_modules == 1 else ''}"
    return f"They were made by different versions of mlmagic: {modules}." if diff.own_modules else None


def _cut(diff: DatasetDiff) -> dict[str, list[Difference]]:
    return {name: list(rows[:_SHOWN]) for name, rows in _sections(diff) if rows}


def _notes(diff: DatasetDiff) -> dict[str, str]:
    """Return how many of a section are not shown."""
    return {
        name: f"and {len(rows) - _SHOWN:,} more, in .{name}" for name, rows in _sections(diff) if len(rows) > _SHOWN
    }


def _html(diff: DatasetDiff) -> Html:
    notes, same = _notes(diff), _same(diff)
    parts: list[Html | None] = []
    for name, rows in _cut(diff).items():
        parts.append(section_html(name, rows))
        parts.append(theme.row(theme.faint(notes[name])) if name in notes else None)
    return theme.card(
        theme.heading(theme.title(diff.first), theme.faint("→"), theme.title(diff.second)),
        theme.row(same, top="6px") if same else None,
        *parts,
        *_moved_html(diff),
        *_inputs_html(diff),
        theme.row(theme.faint(note)) if (note := _code_note(diff)) else None,
        *(file_html(file, is_open=False) for file in diff.code),
    )


def _moved_html(diff: DatasetDiff) -> list[Html]:
    if not diff.moved:
        return []
    header = [
        "Values that moved",
        "Distance",
        legend([diff.first, diff.second]),
        "Missing",
        "Median, range or top",
    ]
    rows = []
    for each in diff.moved[:_SHOWN]:
        chart = bars({"first": each.first, "second": each.second})
        rows.append(
            [
                element("strong", literal_name(each.drift.column)),
                join([f"{each.drift.distance:.3f}", " ", theme.faint(_abbreviated(each), title=each.drift.measure)]),
                spark_svg(chart) if chart else NONE,
                *(_pair_html(*pair) for pair in _pairs(each)),
            ]
        )
    told = theme.row(theme.faint(_of_moved(diff)))
    return [theme.table(header, rows, wraps=[0, 4]), told]


def _pairs(each: Moved) -> list[tuple[str, str]]:
    # There is room for one: the range where only few far values are others.
    is_far = each.drift.distance < _SMALL and _range(each.first) != _range(each.second)
    values = _range if is_far else _middle
    return [(told(each.first), told(each.second)) for told in (_missing, values)]


def _pair_html(first: str, second: str) -> Html:
    if first == second:
        return theme.faint(first)
    return join([element("span", first), theme.faint(" → "), element("span", second)])


def _missing(column: ColumnStatistics) -> str:
    return share(column.missing, column.count + column.missing)


def _range(column: ColumnStatistics) -> str:
    if column.numeric is None or column.type is ColumnType.BOOLEAN:
        return NONE
    ends = (column.numeric.minimum, column.numeric.maximum)
    return " to ".join(value_text(end, column.type) for end in ends)


def _middle(column: ColumnStatistics) -> str:
    if column.numeric is not None and column.type is not ColumnType.BOOLEAN:
        return value_text(quantile(column.numeric, 50), column.type)
    return next(iter(top_texts(column)), NONE)


def _abbreviated(each: Moved) -> str:
    return "JS" if each.drift.measure.startswith("J") else "L∞"


def _of_moved(diff: DatasetDiff) -> str:
    shown = min(len(diff.moved), _SHOWN)
    more = f" The {shown} that moved most are shown; all are in .moved." if shown < len(diff.moved) else ""
    measures = (
        "JS is the Jensen-Shannon divergence, of numbers; L∞ the largest change of a value's share; both from 0 to 1."
    )
    return f"{len(diff.moved):,} of {diff.compared:,} columns moved, in train.{more} {measures}"


def _inputs_html(diff: DatasetDiff) -> list[Html]:
    if not diff.inputs:
        return []
    rows = [[each.path, each.change.value, _sizes(each)] for each in diff.inputs[:_SHOWN_FILES]]
    return [
        theme.table(["Files that were read", "", "Size"], rows, wraps=[0]),
        theme.row(theme.faint(_of_inputs(diff))),
    ]


def _sizes(each: InputDifference) -> str:
    sizes = [size_text(size) for size in (each.first_bytes, each.second_bytes) if size is not None]
    return " → ".join(dict.fromkeys(sizes))


def _of_inputs(diff: DatasetDiff) -> str:
    left = len(diff.inputs) - _SHOWN_FILES
    more = f"and {left:,} more, in .inputs; " if left > 0 else ""
    return f"{more}{diff.same_inputs:,} file{' is' if diff.same_inputs == 1 else 's are'} the same"


def _text(diff: DatasetDiff) -> str:
    notes, same = _notes(diff), _same(diff)
    lines = [f"- {diff.first}", f"+ {diff.second}", *([same] if same else [])]
    for name, rows in _cut(diff).items():
        lines += ["", *section_text(name, rows), *([notes[name]] if name in notes else [])]
    lines += _moved_text(diff)
    if diff.inputs:
        rows_of_files = [[each.path, each.change.value, _sizes(each)] for each in diff.inputs[:_SHOWN_FILES]]
        lines += ["", table(["FILE", "", "SIZE"], rows_of_files, flexible=0), _of_inputs(diff)]
    lines += ["", note] if (note := _code_note(diff)) else []
    for file in diff.code:
        lines += ["", one_line(file.name), *(line for _, line in diff_lines(file.text))]
    return "\n".join(lines)


def _moved_text(diff: DatasetDiff) -> list[str]:
    if not diff.moved:
        return []
    rows = []
    for each in diff.moved[:_SHOWN]:
        chart = {name: bars({name: column}) for name, column in (("first", each.first), ("second", each.second))}
        drawn = " → ".join(blocks(found, 8) if found else NONE for found in chart.values())
        pairs = [first if first == second else f"{first} → {second}" for first, second in _pairs(each)]
        distance = f"{each.drift.distance:.3f} {_abbreviated(each)}"
        rows.append([fit(literal_name(each.drift.column), 20), distance, drawn, pairs[0], pairs[1]])
    header = ["MOVED", "DISTANCE", "", "MISSING", "MEDIAN, RANGE OR TOP"]
    return ["", table(header, rows, flexible=4), *folded(_of_moved(diff))]
