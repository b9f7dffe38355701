"""Charts of columns as one Vega-Lite specification: bars of the first split, a line of the second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlmagic.panels.dataset_bins import Bars
from mlmagic.panels.dataset_chart import FIRST, SECOND
from mlmagic.panels.dataset_values import bar_text, share
from mlmagic.panels.svg import INK
from mlmagic.panels.text import fit, one_line
from mlmagic.panels.vega import Spec, multiples

_ACROSS = 3
_WIDTH, _HEIGHT = 160, 100
_TITLE_WIDTH, _LABEL_WIDTH = 28, 60


def vega_spec(charts: Sequence[Bars], splits: Sequence[str]) -> Spec:
    """Return the specification of all charts."""
    panels = [_panel(bars, splits) for bars in charts]
    return multiples(panels, across=_ACROSS, spacing=(18, 18), scales={"color": "shared"})


def _panel(bars: Bars, splits: Sequence[str]) -> Spec:
    present = [split for split in splits if split in bars.shares]
    if bars.labels:
        layers = _value_layers(present)
        rows = _rows(bars, present)
    else:
        layers = _number_layers(bars, present)
        rows = _rows(bars, present)
    return {
        "title": {"text": fit(bars.name, _TITLE_WIDTH) or repr(bars.name), **_subtitle(bars)},
        "width": _WIDTH,
        "height": _HEIGHT,
        "data": {"values": rows},
        "layer": [_coloured(layer, split, splits) for layer, split in layers],
    }


def _subtitle(bars: Bars) -> Spec:
    below, above = bars.beyond
    told = [f"{share(part)} {word}" for part, word in ((below, "below"), (above, "above")) if part > 0]
    return {"subtitle": f"not drawn: {', '.join(told)}", "subtitleColor": INK, "subtitleFontSize": 10} if told else {}


def _rows(bars: Bars, splits: Sequence[str]) -> list[Spec]:
    """Return a row for each bar, and one more where the line of the second split ends."""
    count = len(bars.labels) or len(bars.edges) - 1
    rows = []
    for at in range(count):
        shares = [bars.shares[split][at] for split in splits]
        row: Spec = {"is": bar_text(bars, at), **{f"share{n}": value for n, value in enumerate(shares)}}
        row |= {f"told{n}": share(value) for n, value in enumerate(shares)}
        rows.append(row if bars.labels else row | {"low": _place(bars, at), "high": _place(bars, at + 1)})
    if not bars.labels and len(splits) > 1:
        rows.append({"low": _place(bars, count), "share1": bars.shares[splits[1]][-1]})
    return rows


def _place(bars: Bars, at: int) -> float:
    # Times are milliseconds since 1970 there.
    return bars.edges[at] * 1000 if bars.is_time else bars.edges[at]


def _number_layers(bars: Bars, splits: Sequence[str]) -> list[tuple[Spec, str]]:
    low, high = _place(bars, 0), _place(bars, len(bars.edges) - 1)
    x: Spec = {"field": "low", "type": "quantitative", "title": None, "axis": {"tickCount": 4, "grid": False}}
    x["scale"] = {"domain": [low, high], "nice": False, "zero": False}
    if bars.is_time:
        x |= {"type": "temporal"}
        x["scale"] = {"domain": [low, high], "type": "utc", "nice": False}
    span: Spec = {"x": x, "x2": {"field": "high"}}
    is_bar = {"filter": "isValid(datum.high)"}
    bar: Spec = {
        "transform": [is_bar],
        "mark": {"type": "rect", "opacity": 0.6, "xOffset": 0.5, "x2Offset": -0.5},
        "encoding": {**span, "y": _share(0), "y2": {"datum": 0}},
    }
    line: Spec = {
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5},
        "encoding": {"x": x, "y": _share(1)},
    }
    # Invisible, over the whole height: what is told does not hang on hitting a low bar.
    cover: Spec = {
        "transform": [is_bar],
        "mark": {"type": "rect", "opacity": 0},
        "encoding": {**span, "tooltip": _tooltip(splits)},
    }
    layers = [(bar, splits[0])] if splits else []
    layers += [(line, splits[1])] if len(splits) > 1 else []
    return [*layers, (cover, "")]


def _value_layers(splits: Sequence[str]) -> list[tuple[Spec, str]]:
    y: Spec = {"field": "is", "type": "nominal", "sort": None, "title": None}
    y["axis"] = {"labelLimit": _LABEL_WIDTH, "ticks": False, "domain": False}
    tooltip = {"tooltip": _tooltip(splits)}
    bar: Spec = {"mark": {"type": "bar", "opacity": 0.6}, "encoding": {"y": y, "x": _share(0), **tooltip}}
    tick: Spec = {
        "mark": {"type": "tick", "thickness": 2, "opacity": 1},
        "encoding": {"y": y, "x": _share(1), **tooltip},
    }
    layers = [(bar, splits[0])] if splits else []
    return [*layers, *([(tick, splits[1])] if len(splits) > 1 else [])]


def _share(number: int) -> Spec:
    axis: Mapping[str, object] = {"format": "%", "tickCount": 3}
    return {
        "field": f"share{number}",
        "type": "quantitative",
        "title": None,
        "axis": axis,
        "scale": {"zero": True},
        "stack": None,
    }


def _tooltip(splits: Sequence[str]) -> list[Spec]:
    values = [{"field": f"told{n}", "type": "nominal", "title": one_line(split)} for n, split in enumerate(splits)]
    return [{"field": "is", "type": "nominal", "title": "value"}, *values]


def _coloured(layer: Spec, split: str, splits: Sequence[str]) -> Spec:
    """Return the layer in its split's colour, which the legend tells."""
    if not split:
        return layer
    scale = {"domain": [one_line(each) for each in splits], "range": [FIRST, SECOND][: len(splits)]}
    colour = {"datum": one_line(split), "type": "nominal", "scale": scale}
    return {**layer, "encoding": {**layer["encoding"], "color": colour}}
