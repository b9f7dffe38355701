"""Charts of a study as one Vega-Lite specification."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.study_axes import ParameterAxis, ResultAxis
from mlmagic.panels.study_charts import Chart, Dot, History, Importance, Parallel, Slice
from mlmagic.panels.study_svg import FAILED, title_of
from mlmagic.panels.study_words import short
from mlmagic.panels.svg import COLOURS, INK
from mlmagic.panels.text import fit
from mlmagic.panels.vega import Spec, whole
from mlmagic.spec.space_text import number_text
from mlmagic.spec.study import ParameterKind, Scale

_ACROSS, _GAP = 3, 26
_WIDTH, _HEIGHT, _WIDE, _WIDEST = 220, 160, 560, 760
_FORMAT = ".6~g"
_TITLE_WIDTH, _NAME_WIDTH, _LABEL_WIDTH, _TOLD_WIDTH = 60, 16, 90, 200
_MOST_LABELS, _ROOM = 16, 35
"""So many labels stand beside an axis, and so many characters below one."""
_BELOW = -0.1
"""Where lines pass an axis that does not apply to them."""


def charts_vega(charts: Sequence[Chart], notes: Sequence[str] = ()) -> Spec:
    """Return the specification of all charts: results by trial beside what mattered, wide ones, slices in rows.

    `notes` stand above them, each on a line of its own.
    """
    first = [_panel(chart) for chart in charts if isinstance(chart, History | Importance)]
    wide = [_panel(chart) for chart in charts if isinstance(chart, Parallel)]
    slices = [_panel(chart) for chart in charts if isinstance(chart, Slice)]
    apart = {"resolve": {"scale": dict.fromkeys(("color", "fill", "opacity", "stroke", "x", "y"), "independent")}}
    rows: list[Spec] = [{"hconcat": first, "spacing": _GAP, **apart}] if first else []
    rows += wide
    rows += [{"concat": slices, "columns": _ACROSS, "spacing": _GAP, **apart}] if slices else []
    told: Spec = {"title": {"text": list(notes), "fontSize": 11, "fontWeight": "normal"}} if notes else {}
    return whole({**told, "vconcat": rows, "spacing": _GAP, **apart})


def _panel(chart: Chart) -> Spec:
    title: Spec = {"title": {"text": fit(title_of(chart), _TITLE_WIDTH)}}
    match chart:
        case History():
            return {**title, "width": _WIDE, "height": _HEIGHT, **_history(chart)}
        case Parallel():
            return {**title, "width": max(_WIDEST, 90 * len(chart.axes)), "height": _HEIGHT + 40, **_parallel(chart)}
        case Slice():
            return {**title, "width": _WIDTH, "height": _HEIGHT, **_slice(chart)}
        case Importance():
            return {**title, "width": _WIDTH, "height": {"step": 20}, **_importance(chart)}


def _history(chart: History) -> Spec:
    scale = {"domain": [0.5, chart.last + 0.5], "nice": False}
    x: Spec = {"field": "trial", "type": "quantitative", "title": "trial", "scale": scale}
    x["axis"] = {"tickMinStep": 1, "format": "d", "grid": False}
    end = max((dot.number for dot in chart.dots if dot.is_final), default=0)
    best = [{"trial": number, "result": value} for number, value in chart.best]
    best += [{"trial": end, "result": chart.best[-1][1]}] if chart.best else []
    y = _result("result", chart.axis, chart.metric)
    mark = {"type": "line", "interpolate": "step-after", "color": COLOURS[1], "strokeWidth": 1.6, "clip": True}
    failed: Spec = {"x": x, "y": {"value": _HEIGHT - 5}, "tooltip": {"field": "told", "type": "nominal"}}
    crosses = [{"trial": number, "told": f"trial {number} failed"} for number in chart.failed]
    return {
        "layer": [
            {"data": {"values": best}, "mark": mark, "encoding": {"x": x, "y": y}},
            {
                "data": {"values": crosses},
                "mark": {"type": "text", "text": "✕", "color": FAILED, "fontSize": 12},
                "encoding": failed,
            },
            {
                "data": {"values": [{"trial": dot.number, **_row(dot)} for dot in chart.dots]},
                "mark": {"type": "point", "size": 40, "clip": True},
                "encoding": {"x": x, "y": y, **_looks()},
            },
        ]
    }


def _slice(chart: Slice) -> Spec:
    values: list[Spec] = [
        {"is": _typed(chart.axis, text), "trial": dot.number, **_row(dot)}
        for text, dot in chart.dots
        if chart.axis.place(text) is not None
    ]
    shade: Spec = {"field": "trial", "type": "quantitative", "legend": None}
    shade["scale"] = {"domain": [1, max(2, chart.last)], "range": [0.3, 0.95]}
    encoding = {"x": _values(chart.axis), "y": _result("result", chart.result, chart.metric), **_looks()}
    mark = {"type": "point", "size": 34, "clip": True}
    return {"data": {"values": values}, "mark": mark, "encoding": {**encoding, "opacity": shade}}


def _parallel(chart: Parallel) -> Spec:
    names = [*(axis.parameter.name for axis in chart.axes), chart.metric]
    # Names may look alike when they are shortened: places stand for them.
    axes = [f"{at}:{short(name, _NAME_WIDTH)}" for at, name in enumerate(names)]
    rows = []
    for each in chart.lines:
        parts = [None if v is None else a.place(v) for a, v in zip(chart.axes, each.values, strict=True)]
        told = {"trial": each.number, "rank": 1 - each.rank, "told": fit(each.told, _TOLD_WIDTH)}
        places = [*parts, chart.result.place(each.value)]
        rows += [
            {"axis": axis, "at": _BELOW if part is None else part, **told}
            for axis, part in zip(axes, places, strict=True)
        ]
    labels = [*(axis.ticks(_MOST_LABELS) for axis in chart.axes), chart.result.ticks]
    ticks = [
        {"axis": axis, "at": part, "text": fit(text, 12)}
        for axis, told in zip(axes, labels, strict=True)
        for part, text in told
    ]
    show = {"labelExpr": "slice(datum.label, indexof(datum.label, ':') + 1)", "orient": "top", "labelAngle": 0}
    x: Spec = {"field": "axis", "type": "nominal", "sort": axes, "title": None, "axis": {**show, "domain": False}}
    x["scale"] = {"type": "point", "padding": 0.3}
    y: Spec = {"field": "at", "type": "quantitative", "axis": None, "scale": {"domain": [_BELOW - 0.02, 1.02]}}
    of_best = {"test": "datum.rank == 1"}
    line: Spec = {
        "x": x,
        "y": y,
        "detail": {"field": "trial", "type": "nominal"},
        "color": {"condition": {**of_best, "value": COLOURS[1]}, "value": COLOURS[0]},
        "strokeWidth": {"condition": {**of_best, "value": 2.5}, "value": 1.2},
        "opacity": {
            "field": "rank",
            "type": "quantitative",
            "legend": None,
            "scale": {"type": "pow", "exponent": 2, "domain": [0, 1], "range": [0.15, 0.95]},
        },
        "tooltip": {"field": "told", "type": "nominal", "title": "is"},
    }
    # With the axis and the scale of the lines: Vega-Lite cannot merge one that is there with one that is not.
    rule = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    text = {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}}
    return {
        "layer": [
            {"data": {"values": rows}, "mark": {"type": "line"}, "encoding": line},
            {
                "data": {"values": [{"axis": axis, "low": 0, "high": 1} for axis in axes]},
                "mark": {"type": "rule", "color": INK},
                "encoding": rule,
            },
            {
                "data": {"values": ticks},
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 10, "color": INK},
                "encoding": text,
            },
        ]
    }


def _importance(chart: Importance) -> Spec:
    names = [f"{at}:{name}" for at, (name, _) in enumerate(chart.shares)]
    values = [{"name": name, "share": share} for name, (_, share) in zip(names, chart.shares, strict=True)]
    axis = {"labelExpr": "slice(datum.label, indexof(datum.label, ':') + 1)", "labelLimit": _LABEL_WIDTH}
    x: Spec = {"field": "share", "type": "quantitative", "title": None, "axis": {"format": "%", "tickCount": 3}}
    y: Spec = {"field": "name", "type": "nominal", "sort": names, "title": None, "axis": {**axis, "ticks": False}}
    return {"data": {"values": values}, "mark": {"type": "bar", "color": COLOURS[0]}, "encoding": {"x": x, "y": y}}


def _row(dot: Dot) -> Spec:
    kind = "best" if dot.is_best else "active" if not dot.is_final else "stopped early" if dot.is_early else "succeeded"
    return {"result": dot.value, "kind": kind, "told": fit(dot.told, _TOLD_WIDTH)}


def _looks() -> Spec:
    """Return how dots of each kind look; what goes on, or was stopped, is hollow."""
    kinds = ["succeeded", "stopped early", "active", "best"]
    fills = [COLOURS[0], "transparent", "transparent", COLOURS[1]]
    lines = [COLOURS[0], COLOURS[0], INK, COLOURS[1]]
    field = {"field": "kind", "type": "nominal", "legend": None}
    return {
        "fill": {**field, "scale": {"domain": kinds, "range": fills}},
        "stroke": {**field, "scale": {"domain": kinds, "range": lines}},
        "tooltip": {"field": "told", "type": "nominal", "title": "is"},
    }


def _result(field: str, axis: ResultAxis, title: str) -> Spec:
    scale = {"domain": [axis.low, axis.high], "nice": False, "zero": False, "clamp": True}
    scale |= {"type": "log"} if axis.is_log else {}
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": scale,
        "axis": {"values": axis.levels, "format": _FORMAT},
    }


def _values(axis: ParameterAxis) -> Spec:
    parameter = axis.parameter
    shown: Spec = {"title": None}
    if axis.is_word:
        told = [name for _, name in axis.ticks_across(_ROOM)]
        flat = {"values": told, "labelAngle": 0, "labelLimit": _WIDTH / max(1, len(told)), "labelOverlap": True}
        # All values have their place, whether they are told or not, and whether a trial had them or not.
        order = {"domain": axis.words}
        return {**shown, "field": "is", "type": "nominal", "scale": order, "axis": flat}
    # With room for half a point at both ends.
    scale: Spec = {"domain": [parameter.minimum, parameter.maximum], "nice": False, "zero": False, "padding": 4}
    # The reversed logarithm is a power scale in no front end: values are told as they are.
    scale |= {"type": "log"} if parameter.scale is Scale.LOG else {}
    form = "d" if parameter.kind is ParameterKind.INTEGER else _FORMAT
    ticks = {"values": axis.levels, "format": form, "grid": False, "labelOverlap": True}
    return {**shown, "field": "is", "type": "quantitative", "scale": scale, "axis": ticks}


def _typed(axis: ParameterAxis, text: str) -> float | str:
    if axis.parameter.kind is ParameterKind.CATEGORICAL:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return number_text(number) if axis.parameter.kind is ParameterKind.DISCRETE else number
