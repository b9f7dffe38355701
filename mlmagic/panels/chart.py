"""Small static charts: lines as inline SVG in the colours of the page, and as block characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.theme import FAINT
from mlmagic.panels.times import DAY, HOUR, MINUTE, duration

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT = 1000, 100
_STEPS = (
    *(1, 2, 5, 10, 15, 20, 30),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 20, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
# Labels end at the edge of the chart, not beyond it.
_NEAR_END = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What a chart is drawn in."""

    seconds: float
    """From its left to its right side."""
    top: float
    """The value at its upper side; the lower side is zero."""
    labels: tuple[str, str]
    """At zero and at the top."""


Point = tuple[float, float]
"""Seconds from the left, and a value."""


def line_chart(curves: Sequence[Sequence[Point]], axes: Axes, *, title: str, colour: str, height: int) -> Html:
    """Return a chart of one line in several pieces, with its area; `title` is what a screen reader says of it."""
    shapes = [shape for curve in curves if curve for shape in _shapes(curve, axes, colour)]
    grid = [
        element("path", d=f"M0 {y}H{_WIDTH}", fill="none", style=_stroke("currentColor", width=1, opacity=opacity))
        for y, opacity in ((0.5, 0.18), (_HEIGHT / 2, 0.1), (_HEIGHT - 0.5, 0.4))
    ]
    # Stretched to the room that there is: only shapes are drawn in it, and words stand beside it.
    svg = element(
        "svg",
        *grid,
        *shapes,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
        style=f"display:block;width:100%;height:{height}px;overflow:visible",
    )
    frame = "display:grid;grid-template-columns:3.6em minmax(0,1fr);column-gap:6px;font-size:11px;line-height:1.2"
    return element("div", _value_labels(axes), svg, element("span"), _time_labels(axes), style=frame)


def sparkline(values: Sequence[float], top: float, width: int) -> str:
    """Return the values as block characters, each column the highest of those that fall into it."""
    if not values or top <= 0:
        return ""
    count = min(width, len(values))
    columns = [values[at * len(values) // count : (at + 1) * len(values) // count] for at in range(count)]
    return "".join(_BLOCKS[min(7, max(0, int(max(column) / top * 8)))] for column in columns)


def time_ticks(seconds: float) -> list[float]:
    """Return two to four round times from zero on."""
    step = next((step for step in _STEPS if seconds / step < 4), seconds)
    return [step * number for number in range(int(seconds / step) + 1)] if step else [0.0]


def _shapes(curve: Sequence[Point], axes: Axes, colour: str) -> list[Html]:
    points = [
        (_WIDTH * seconds / axes.seconds, _HEIGHT * (1 - min(value, axes.top) / axes.top)) for seconds, value in curve
    ]
    line = "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
    area = f"M{points[0][0]:.0f} {_HEIGHT}L{line}L{points[-1][0]:.0f} {_HEIGHT}Z"
    return [
        element("path", d=area, style=f"fill:{colour};fill-opacity:.16;stroke:none"),
        element("path", d=f"M{line}", fill="none", style=_stroke(colour, width=1.6)),
    ]


def _stroke(colour: str, *, width: float, opacity: float = 1) -> str:
    # The stroke keeps its width where the drawing is stretched.
    return (
        f"stroke:{colour};stroke-width:{width};stroke-opacity:{opacity};"
        "stroke-linejoin:round;vector-effect:non-scaling-stroke"
    )


def _value_labels(axes: Axes) -> Html:
    style = "display:flex;flex-direction:column;justify-content:space-between;text-align:right;white-space:nowrap"
    low, high = axes.labels
    return element(
        "div", element("span", high), element("span", low), style=f"{style};color:{FAINT}", aria_hidden="true"
    )


def _time_labels(axes: Axes) -> Html:
    labels = []
    for seconds in time_ticks(axes.seconds):
        at = seconds / axes.seconds
        shift = "0" if seconds == 0 else "-100%" if at > _NEAR_END else "-50%"
        style = f"position:absolute;left:{at:.1%};transform:translateX({shift});white-space:nowrap"
        labels.append(element("span", _time_label(seconds), style=style))
    return element(
        "div", join(labels), style=f"position:relative;height:1.4em;margin-top:3px;color:{FAINT}", aria_hidden="true"
    )


def _time_label(seconds: float) -> str:
    if not seconds:
        return "0"
    return duration(seconds).removesuffix(" 00 s").removesuffix(" 00 min").removesuffix(" 0 h")
