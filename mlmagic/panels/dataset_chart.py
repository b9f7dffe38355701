"""Charts of columns as inline SVG and as block characters: bars of the first split, a line or marks of the second."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.chart import sparkline
from mlmagic.panels.dataset_bins import Bars
from mlmagic.panels.dataset_values import bar_text, value_text
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.svg import COLOURS, INK, picture, words
from mlmagic.panels.svg import legend as picture_legend
from mlmagic.panels.text import fit
from mlmagic.spec.dataset import ColumnType

# Both stand out from a white and from a black ground, and from each other without colour: one is filled.
FIRST, SECOND = COLOURS[:2]
_SHADE = 0.6
"""Of the first split's bars: what lies behind them can be seen."""
_WIDTH, _HEIGHT, _GAP, _HEAD, _FOOT = 210, 90, 24, 18, 16
_ACROSS = 3
_LEGEND = 22
_LABEL_WIDTH, _TITLE_WIDTH = 12, 30


def spark_svg(bars: Bars, *, width: int = 120, height: int = 24) -> Html:
    """Return a chart without words, for a line of a table."""
    return element(
        "svg",
        *_shapes(bars, width, height),
        width=str(width),
        height=str(height),
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=f"distribution of {fit(bars.name, _TITLE_WIDTH)}",
        style="display:block;overflow:visible",
    )


def grid_svg(charts: Sequence[Bars], splits: Sequence[str]) -> str:
    """Return a picture of all charts, for front ends that cannot draw them from a specification."""
    across = min(_ACROSS, len(charts)) or 1
    rows = -(-len(charts) // across)
    step = _HEAD + _HEIGHT + _FOOT + _GAP
    width, height = across * (_WIDTH + _GAP) - _GAP, _LEGEND + rows * step - _GAP
    parts = [
        element(
            "g", *_panel(bars), transform=f"translate({at % across * (_WIDTH + _GAP)} {_LEGEND + at // across * step})"
        )
        for at, bars in enumerate(charts)
    ]
    marks = picture_legend(splits, (FIRST, SECOND), width=_LABEL_WIDTH, shades=[_SHADE])
    return picture(*marks, *parts, width=width, height=height)


def blocks(bars: Bars, width: int = 12) -> str:
    """Return the bars of the first split as block characters; those of single values side by side."""
    shares = next(iter(bars.shares.values()), ())
    return sparkline(shares, max(shares, default=0.0), width)


def _panel(bars: Bars) -> list[Html]:
    title = element("title", fit(bars.name, 200))
    name = words(fit(bars.name, _TITLE_WIDTH), 0, 11, size=12, weight="600")
    shapes = element("g", *_shapes(bars, _WIDTH, _HEIGHT), transform=f"translate(0 {_HEAD})")
    below = _HEAD + _HEIGHT + 13
    if bars.labels:
        room = _WIDTH / len(bars.labels)
        # Where there is no room for all labels the first says what the highest bar is.
        told = [fit(bar_text(bars, at), max(2, int(room / 6))) for at in range(len(bars.labels))]
        labels = [words(text, room * (at + 0.5), below, anchor="middle") for at, text in enumerate(told)]
    else:
        # Half-way between whole numbers is no place that anybody looks for.
        half = 0.5 if bars.edges[1] - bars.edges[0] == 1 and bars.type is ColumnType.INTEGER else 0.0
        ends = [value_text(edge, bars.type) for edge in (bars.edges[0] + half, bars.edges[-1] - half)]
        labels = [words(ends[0], 0, below), words(ends[1], _WIDTH, below, anchor="end")]
    return [title, name, shapes, *labels]


def _shapes(bars: Bars, width: float, height: float) -> list[Html]:
    series = list(bars.shares.values())
    top = bars.top or 1.0
    baseline = element("path", d=f"M0 {height}H{width}", fill="none", stroke=INK, stroke_opacity=".5")
    shapes = [_filled(series[0], width, height, top)] if series else []
    if len(series) > 1:
        shapes.append(_outlined(series[1], width, height, top, is_apart=bool(bars.labels)))
    return [*shapes, baseline]


def _filled(shares: Sequence[float], width: float, height: float, top: float) -> Html:
    step = width / len(shares)
    gap = min(1.0, step * 0.15)
    bars = [
        f"M{at * step + gap / 2:.1f} {height:g}v{-height * value / top:.1f}h{step - gap:.1f}V{height:g}z"
        for at, value in enumerate(shares)
        if value > 0
    ]
    return element("path", d="".join(bars), fill=FIRST, fill_opacity=f"{_SHADE:g}")


def _outlined(shares: Sequence[float], width: float, height: float, top: float, *, is_apart: bool) -> Html:
    """Return the steps of a distribution; of values that have no order, a mark for each."""
    step = width / len(shares)
    levels = [f"{height * (1 - value / top):.1f}" for value in shares]
    if is_apart:
        path = "".join(f"M{at * step:.1f} {level}h{step:.1f}" for at, level in enumerate(levels))
    else:
        path = f"M0 {levels[0]}" + "".join(f"V{level}H{(at + 1) * step:.1f}" for at, level in enumerate(levels))
    return element("path", d=path, fill="none", stroke=SECOND, stroke_width="1.5")


def legend(splits: Sequence[str], *, is_stacked: bool = False) -> Html:
    """Return which colour is which split, for a line above a table; stacked, a line for each."""
    marks = []
    for split, colour in zip(splits, (FIRST, SECOND), strict=False):
        sign = "display:inline-block;width:10px;height:10px;margin-right:5px;vertical-align:-1px"
        bar, line = f"background:{colour};opacity:{_SHADE:g}", f"border-top:2px solid {colour};height:4px"
        fill = bar if colour == FIRST else line
        marks.append(element("span", element("span", style=f"{sign};{fill}"), split, style="margin-right:14px"))
    return join(marks, element("br") if is_stacked else "")
