"""Charts of an evaluation as one Vega-Lite specification."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.evaluation_charts import DARK_PART, Chart, DotChart, LineChart, Matrix
from mlmagic.panels.svg import COLOURS, INK
from mlmagic.panels.text import fit
from mlmagic.panels.vega import Spec, multiples

_ACROSS = 3
_WIDTH, _HEIGHT = 165, 150
_TITLE_WIDTH, _LABEL_WIDTH = 40, 80
_FLAT_LABELS = 3
"""So many classes find room beside each other."""


def charts_vega(charts: Sequence[Chart]) -> Spec:
    """Return the specification of all charts."""
    scales = {"color": "independent", "x": "independent", "y": "independent"}
    return multiples([_panel(chart) for chart in charts], across=_ACROSS, spacing=(22, 26), scales=scales)


def _panel(chart: Chart) -> Spec:
    panel: Spec = {"title": {"text": fit(chart.title, _TITLE_WIDTH)}, "width": _WIDTH, "height": _HEIGHT}
    match chart:
        case LineChart():
            return panel | _lines(chart)
        case Matrix():
            return panel | _matrix(chart)
        case DotChart():
            return panel | _dots(chart)


def _lines(chart: LineChart) -> Spec:
    values = [
        {"version": fit(line.version, _TITLE_WIDTH), "at": at, "x": x, "y": y}
        for line in chart.lines
        for at, (x, y) in enumerate(line.points)
    ]
    mark: Spec = {"type": "line", "strokeWidth": 1.8, "clip": True}
    mark |= {"interpolate": "step-after"} if chart.lines[0].is_stepped else {}
    mark |= {"point": {"size": 28}} if chart.lines[0].has_dots else {}
    encoding: Spec = {
        "x": _axis("x", chart.x, chart.x_range),
        "y": _axis("y", chart.y, chart.y_range),
        "order": {"field": "at", "type": "quantitative"},
        "color": _colour([line.version for line in chart.lines]),
        "tooltip": [
            {"field": "version", "type": "nominal"},
            {"field": "x", "type": "quantitative", "title": chart.x, "format": ".4~g"},
            {"field": "y", "type": "quantitative", "title": chart.y, "format": ".4~g"},
        ],
    }
    layers: list[Spec] = [{"data": {"values": values}, "mark": mark, "encoding": encoding}]
    if chart.diagonal:
        ends = [{"x": end, "y": end} for end in chart.x_range]
        ground: Spec = {"type": "line", "color": INK, "strokeDash": [4, 3], "strokeWidth": 1}
        axes = {key: encoding[key] for key in ("x", "y")}
        layers.insert(0, {"data": {"values": ends}, "mark": ground, "encoding": axes})
    return {"layer": layers}


def _axis(field: str, title: str, ends: tuple[float, float]) -> Spec:
    scale = {"domain": list(ends), "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": {"tickCount": 5}}


def _colour(versions: Sequence[str]) -> Spec:
    shown = [fit(version, _TITLE_WIDTH) for version in versions]
    colour: Spec = {"field": "version", "type": "nominal", "scale": {"domain": shown, "range": COLOURS[: len(shown)]}}
    return colour | ({} if len(shown) > 1 else {"legend": None})


def _matrix(chart: Matrix) -> Spec:
    # Classes may look alike when they are shortened, so places stand for them.
    names = [f"{at}:{label}" for at, label in enumerate(chart.labels)]
    values = [
        {"actual": names[row], "predicted": names[at], "rows": count, "part": count / (sum(counts) or 1)}
        for row, counts in enumerate(chart.counts)
        for at, count in enumerate(counts)
    ]
    axis = {"labelExpr": "slice(datum.label, indexof(datum.label, ':') + 1)", "labelLimit": _LABEL_WIDTH}
    slant = 0 if len(names) <= _FLAT_LABELS else -40
    place: Spec = {
        "x": {"field": "predicted", "type": "nominal", "sort": names, "axis": {**axis, "labelAngle": slant}},
        "y": {"field": "actual", "type": "nominal", "sort": names, "axis": axis},
    }
    colour = {
        "field": "part",
        "type": "quantitative",
        "legend": None,
        "scale": {"domain": [0, 1], "range": ["rgba(76,141,240,.06)", COLOURS[0]]},
    }
    tooltip = [{"field": name, "type": "nominal"} for name in ("actual", "predicted", "rows")]
    tooltip.append({"field": "part", "type": "quantitative", "format": ".1%"})
    text: Spec = {"text": {"field": "rows", "type": "quantitative", "format": ","}}
    text["color"] = {"condition": {"test": f"datum.part > {DARK_PART}", "value": "white"}, "value": INK}
    return {
        "data": {"values": values},
        "layer": [
            {"mark": "rect", "encoding": {**place, "color": colour, "tooltip": tooltip}},
            {"mark": {"type": "text", "fontSize": 10}, "encoding": {**place, **text}},
        ],
    }


def _dots(chart: DotChart) -> Spec:
    values = [
        {
            "version": fit(dot.version, _TITLE_WIDTH),
            "value": dot.value,
            "rows": dot.rows,
            "at": dot.at,
            "low": dot.low,
            "high": dot.high,
        }
        for dot in chart.dots
    ]
    y: Spec = {"field": "value", "type": "nominal", "sort": list(chart.values), "title": None}
    y["axis"] = {"labelLimit": _LABEL_WIDTH}
    shared: Spec = {"y": y, "color": _colour(chart.versions)}
    if len(chart.versions) > 1:
        shared["yOffset"] = {"field": "version", "type": "nominal", "sort": list(chart.versions)}
    x = _axis("at", "", chart.x_range) | {"title": None}
    tooltip: list[Spec] = [{"field": name, "type": "nominal"} for name in ("value", "version", "rows")]
    tooltip += [{"field": name, "type": "quantitative", "format": ".4~g"} for name in ("at", "low", "high")]
    span = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    return {
        "data": {"values": values},
        "height": max(_HEIGHT, 18 * len(chart.values)),
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.6}, "encoding": {**shared, **span}},
            {"mark": {"type": "point", "filled": True, "size": 40}, "encoding": {**shared, "x": x, "tooltip": tooltip}},
        ],
    }
