"""Skew and drift: verdicts by feature, what happened, and baseline and window side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlmagic.panels import drift_words as words
from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.dataset_bins import Bars, bars
from mlmagic.panels.dataset_chart import blocks, grid_svg, legend, spark_svg
from mlmagic.panels.dataset_columns import literal_name
from mlmagic.panels.dataset_values import NONE
from mlmagic.panels.dataset_vega import vega_spec
from mlmagic.panels.drift_verdicts import verdict_sentence
from mlmagic.panels.evaluation_words import metric_text
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import fit, folded, one_line, table
from mlmagic.panels.vega import MIME_TYPE as VEGA_MIME_TYPE
from mlmagic.spec.codec import encode
from mlmagic.spec.monitoring import FeatureComparison, Verdict
from mlmagic.spec.monitoring_report import ComparedColumn, MonitoredWindow, MonitoringReport

MIME_TYPE = "application/vnd.mlmagic.drift+json"
_SHOWN, _DRAWN = 50, 24
_SIDES = ("baseline", "window")


def drift_bundle(report: MonitoringReport) -> Bundle:
    """Return the page of a comparison."""
    return document(MIME_TYPE, _payload(report), html=_html(report), text=_text(report))


def drift_pictures(report: MonitoringReport) -> list[tuple[str, str]]:
    """Return the charts of a comparison one by one, each with the name of its feature; what matters most first."""
    of_several = len(report.windows) > 1
    charts = [chart for window in report.windows for chart in _charts(window, of_several=of_several)][:_SHOWN]
    return [(literal_name(chart.name), grid_svg([chart], _SIDES)) for chart in charts]


def drift_chart_bundle(report: MonitoringReport) -> Bundle:
    """Return charts of what matters most: for Vega-Lite, as a picture, and as text.

    They are an output of their own: of one that holds page and charts, JupyterLab would show the page alone.
    """
    charts = [chart for window in report.windows for chart in _charts(window, of_several=len(report.windows) > 1)]
    charts = charts[:_DRAWN]
    text = {"text/plain": "Charts: " + (", ".join(fit(chart.name, 40) for chart in charts) or "none")}
    if not charts:
        return text
    return {VEGA_MIME_TYPE: vega_spec(charts, _SIDES), "image/svg+xml": grid_svg(charts, _SIDES), **text}


def _payload(report: MonitoringReport) -> dict[str, object]:
    # The quantiles of all columns would be most of a saved notebook.
    windows = [
        {"version": each.version, "baseline": each.baseline, "report": encode(each.report)} for each in report.windows
    ]
    return {**encode(replace(report, windows=())), "windows": windows}


def _charts(window: MonitoredWindow, *, of_several: bool) -> list[Bars]:
    found = []
    for features, columns in (
        (window.report.features, window.columns),
        (window.report.predictions, window.predictions),
    ):
        for each in words.ordered(features):
            chart = _chart(each, columns)
            if chart is not None:
                name = f"{each.feature} · {window.version}" if of_several else each.feature
                found.append(replace(chart, name=name))
    return found


def _chart(each: FeatureComparison, columns: Sequence[ComparedColumn]) -> Bars | None:
    pair = next((column for column in columns if column.baseline.name == each.feature), None)
    if pair is None or not pair.baseline.count or not pair.current.count:
        return None
    # A whole number is counted as any in a window: its bars must be those of numbers on both sides.
    both = (replace(column, vocabulary=None) if column.numeric else column for column in (pair.baseline, pair.current))
    return bars(dict(zip(_SIDES, both, strict=True)))


def _sections(window: MonitoredWindow) -> list[tuple[str, list[FeatureComparison], Sequence[ComparedColumn]]]:
    found = window.report
    return [
        ("Feature", words.ordered(found.features), window.columns),
        ("Prediction", words.ordered(found.predictions), window.predictions),
    ]


def _html(report: MonitoringReport) -> Html:
    verdict, told = words.summary(report)
    return theme.card(
        theme.heading(
            theme.title(words.title(report)),
            None if verdict is None else _pill(verdict),
            theme.faint(told),
            right=words.period(report),
        ),
        *(part for window in report.windows for part in _window_html(window)),
        _quality_html(report),
        *(theme.row(theme.faint(note)) for note in words.footnotes(report)),
    )


def _pill(verdict: Verdict) -> Html:
    return theme.pill(f"{words.SIGNS[verdict]} {verdict.value}", words.COLOURS[verdict])


def _window_html(window: MonitoredWindow) -> list[Html | None]:
    parts: list[Html | None] = [theme.row(element("strong", words.window_title(window)), top="12px")]
    for name, features, columns in _sections(window):
        if not features:
            continue
        # Two in a column each: so there is room for what happened where a page is narrow.
        drawn = legend(_SIDES, is_stacked=True)
        header = [name, _stacked("Distance", "Threshold"), drawn, "Missing", "What happened"]
        rows = []
        for each in features[:_SHOWN]:
            chart = _chart(each, columns)
            rows.append(
                [
                    _stacked(element("strong", literal_name(each.feature)), _pill(each.verdict)),
                    _stacked(words.distance(each), theme.faint(words.limit(each))),
                    spark_svg(chart) if chart is not None else NONE,
                    words.missing(each),
                    words.what(each),
                ]
            )
        parts.append(theme.table(header, rows))
        parts.append(_more(features))
    if slices := words.slice_lines(window):
        lines = [[_pill(verdict), element("strong", name), told] for verdict, name, told in slices]
        parts.append(theme.table(["Slice", "", "What happened"], lines, wraps=[1, 2]))
    return parts


def _stacked(above: str, below: str) -> Html:
    return join([above, element("br"), below])


def _more(features: Sequence[FeatureComparison]) -> Html | None:
    left = len(features) - _SHOWN
    return theme.row(theme.faint(f"and {left:,} more, in .windows")) if left > 0 else None


def _quality_rows(report: MonitoringReport) -> list[list[str]]:
    return [
        [each.versions[0].version, f"{each.rows:,}", metric.name, *metric_text(metric)]
        for each in report.quality
        for metric in each.versions[0].metrics
    ]


def _quality_html(report: MonitoringReport) -> Html | None:
    rows = _quality_rows(report)
    if not rows:
        return None
    target = one_line(report.quality[0].target)
    return theme.folded(
        f"Quality, by what came true of {target}",
        *(theme.row(verdict_sentence(each)) for each in report.verdicts),
        theme.table(["Version", "Rows", "Metric", "", "95 %"], rows, right={1, 3}),
        is_open=True,
    )


def _text(report: MonitoringReport) -> str:
    verdict, told = words.summary(report)
    sign = f"{words.SIGNS[verdict]} {verdict.value}: " if verdict is not None else ""
    lines = [words.title(report), words.period(report), f"{sign}{told}"]
    for window in report.windows:
        lines += ["", *folded(words.window_title(window)), *_window_text(window)]
    if rows := _quality_rows(report):
        header = ["VERSION", "ROWS", "METRIC", "", "95 %"]
        target = one_line(report.quality[0].target)
        lines += ["", f"Quality, by what came true of {target}"]
        lines += [line for each in report.verdicts for line in folded(verdict_sentence(each))]
        lines += [table(header, rows, flexible=0, right={1, 3})]
    notes = [line for note in words.footnotes(report) for line in folded(note)]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _window_text(window: MonitoredWindow) -> list[str]:
    lines: list[str] = []
    for name, features, columns in _sections(window):
        if not features:
            continue
        rows = []
        for each in features[:_SHOWN]:
            chart = _chart(each, columns)
            drawn = (
                [blocks(replace(chart, shares={side: shares}), 8) for side, shares in chart.shares.items()]
                if chart
                else []
            )
            rows.append(
                [
                    words.SIGNS[each.verdict],
                    fit(literal_name(each.feature), 20),
                    words.distance(each),
                    words.limit(each),
                    " → ".join(drawn) or NONE,
                    words.missing(each),
                ]
            )
        lines += [table(["", name.upper(), "DISTANCE", "THRESHOLD", "", "MISSING"], rows, flexible=1)]
        lines += [f"and {len(features) - _SHOWN:,} more, in .windows"] if len(features) > _SHOWN else []
        for each in features:
            if each.findings or each.verdict is Verdict.UNSURE:
                lines += folded(f"{words.SIGNS[each.verdict]} {one_line(each.feature)}: {words.what(each)}")
    for verdict, name, told in words.slice_lines(window):
        lines += folded(f"{words.SIGNS[verdict]} {name}: {told}")
    return lines
