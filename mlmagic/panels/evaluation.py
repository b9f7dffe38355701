"""How well versions answer: their metrics side by side, with what may be chance, and by slices."""

from __future__ import annotations

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.evaluation_charts import charts_of
from mlmagic.panels.evaluation_svg import charts_svg
from mlmagic.panels.evaluation_tables import Table, tables_of
from mlmagic.panels.evaluation_vega import charts_vega
from mlmagic.panels.evaluation_words import (
    MEANINGS,
    difference_text,
    metric_text,
    names,
    next_commands,
    notes,
    rows_text,
    task_text,
)
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import fit, folded, spread, table
from mlmagic.panels.vega import MIME_TYPE as VEGA_MIME_TYPE
from mlmagic.spec.codec import encode
from mlmagic.spec.evaluation import Difference, EvaluationReport, VersionEvaluation

MIME_TYPE = "application/vnd.mlmagic.evaluation+json"
_INTERVAL = "the 95 % interval: on other rows of the same kind it may be anywhere in it"


def evaluation_bundle(report: EvaluationReport) -> Bundle:
    """Return the page of an evaluation."""
    return document(MIME_TYPE, encode(report), html=_html(report), text=_text(report))


def evaluation_chart_bundle(report: EvaluationReport) -> Bundle:
    """Return its charts: for Vega-Lite, as a picture, and as text.

    They are an output of their own: of one that holds page and charts, JupyterLab would show the page alone.
    """
    charts = charts_of(report)
    text = {"text/plain": "Charts: " + (", ".join(chart.title for chart in charts) or "none")}
    if not charts:
        return text
    return {VEGA_MIME_TYPE: charts_vega(charts), "image/svg+xml": charts_svg(charts), **text}


def _metrics(report: EvaluationReport) -> list[str]:
    return list(dict.fromkeys(metric.name for each in report.versions for metric in each.metrics))


def _header(report: EvaluationReport) -> list[str]:
    first = report.versions[0].version
    return [*(each.version for each in report.versions), *(f"{v.version} - {first}" for v in report.versions[1:])]


def _difference(version: VersionEvaluation, name: str) -> Difference | None:
    return next((each for each in version.differences if each.name == name), None)


def _html(report: EvaluationReport) -> Html:
    commands = next_commands(report)
    return theme.card(
        theme.heading(theme.title(names(report)), theme.faint(task_text(report)), right=rows_text(report)),
        _metrics_html(report),
        *map(_table_html, tables_of(report)),
        *(theme.row(theme.faint(note)) for note in notes(report)),
        theme.hints("Next", commands) if commands else None,
    )


def _metrics_html(report: EvaluationReport) -> Html:
    rows = []
    for name in _metrics(report):
        cells = [_with_interval(*metric_text(each.metric(name))) for each in report.versions]
        cells += [_difference_html(_difference(each, name)) for each in report.versions[1:]]
        rows.append([element("strong", name), *cells, theme.faint(MEANINGS.get(name, ""))])
    header = _header(report)
    return theme.table(["Metric", *header, ""], rows, right=set(range(1, len(header) + 1)))


def _with_interval(value: str, interval: str) -> Html:
    style = "opacity:.65;font-size:11px;white-space:nowrap"
    return join([value, element("div", interval, style=style, title=_INTERVAL) if interval else None])


def _difference_html(difference: Difference | None) -> Html:
    told = _with_interval(*difference_text(difference))
    if difference is None or difference.is_better is None:
        return told
    colour, word = (theme.GREEN, "better") if difference.is_better else (theme.RED, "worse")
    return element("span", told, style=f"color:{theme.toned(colour)}", title=word)


def _table_html(each: Table) -> Html:
    numbers = set(range(1, len(each.header)))
    rows = [[element("strong", first), *rest, ""] for first, *rest in each.rows]
    return theme.folded(each.title, theme.table([*each.header, ""], rows, right=numbers), is_open=True)


def _text(report: EvaluationReport) -> str:
    lines = [spread(names(report), rows_text(report)), *folded(task_text(report)), "", _metrics_text(report)]
    for each in tables_of(report):
        lines += ["", each.title, _table_text(each)]
    told = notes(report)
    lines += ["", *(line for note in told for line in folded(note))] if told else []
    commands = next_commands(report)
    return "\n".join([*lines, *(["", f"Next: {'   '.join(commands)}"] if commands else [])])


def _table_text(each: Table) -> str:
    # Names of classes may be long, and there may be a dozen of them.
    room = max(4, 72 // (len(each.header) - 1) - 2)
    header = [fit(name, room) for name in each.header[1:]]
    return table([each.header[0], *header], each.rows, flexible=0, right=range(1, len(each.header)))


def _metrics_text(report: EvaluationReport) -> str:
    """Return the metrics; of several versions the differences follow below. Of more than two no intervals fit."""
    parts = 2 if len(report.versions) <= 2 else 1
    numbers = range(1, parts * len(report.versions) + 1)
    header = ["METRIC", *(word for each in report.versions for word in (each.version, "95 %")[:parts])]
    rows = [
        [name, *(word for each in report.versions for word in metric_text(each.metric(name))[:parts])]
        for name in _metrics(report)
    ]
    found = [table(header, rows, flexible=0, right=numbers)]
    for version in report.versions[1:]:
        told = [[each.name, *difference_text(each)] for each in version.differences]
        header = [f"{version.version} - {report.versions[0].version}", "", "95 %"]
        found += ["", table(header, told, flexible=0, right={1, 2}), "✓ better  ✗ worse  = may be chance"]
    return "\n".join(found)
