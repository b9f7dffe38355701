"""Charts of an evaluation as one picture, for front ends that cannot draw them from a specification."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.evaluation_charts import DARK_PART, Chart, DotChart, Line, LineChart, Matrix, Point
from mlmagic.panels.markup import Html, element
from mlmagic.panels.numbers import number
from mlmagic.panels.svg import COLOURS, INK, legend, line, picture, words
from mlmagic.panels.text import fit

_ACROSS = 3
_WIDTH, _HEIGHT = 210, 170
_LEFT, _HEAD, _FOOT, _GAP = 64, 20, 34, 22
_LEGEND = 22


def charts_svg(charts: Sequence[Chart]) -> Html:
    """Return the picture of all charts."""
    across = min(_ACROSS, len(charts)) or 1
    wide, high = _LEFT + _WIDTH + _GAP, _HEAD + _HEIGHT + _FOOT
    parts = [
        element("g", *_panel(chart), transform=f"translate({at % across * wide} {_LEGEND + at // across * high})")
        for at, chart in enumerate(charts)
    ]
    width, height = across * wide, _LEGEND + -(-len(charts) // across) * high
    return picture(*_legend(charts), *parts, width=width, height=height)


def _panel(chart: Chart) -> list[Html]:
    name = words(fit(chart.title, 40), _LEFT, 12, size=12, weight="600")
    match chart:
        case LineChart():
            shapes = _lines(chart)
        case Matrix():
            shapes = _matrix(chart)
        case DotChart():
            shapes = _dots(chart)
    return [name, element("g", *shapes, transform=f"translate({_LEFT} {_HEAD})")]


def _legend(charts: Sequence[Chart]) -> list[Html]:
    versions = next((v for chart in charts if len(v := _versions(chart)) > 1), [])
    return legend(versions, COLOURS, left=_LEFT)


def _versions(chart: Chart) -> list[str]:
    match chart:
        case LineChart():
            return [each.version for each in chart.lines]
        case DotChart():
            return list(chart.versions)
        case Matrix():
            return []


def _lines(chart: LineChart) -> list[Html]:
    shapes = [_frame(), *_ends(chart.x_range, chart.y_range)]
    shapes += [words(chart.x, _WIDTH / 2, _HEIGHT + 27, anchor="middle")]
    if chart.diagonal:
        shapes.append(element("path", d=f"M0 {_HEIGHT}L{_WIDTH} 0", fill="none", stroke=INK, stroke_dasharray="4 3"))
    for each, colour in zip(chart.lines, COLOURS, strict=False):
        shapes += _line(each, chart, colour)
    return shapes


def _line(drawn: Line, chart: LineChart, colour: str) -> list[Html]:
    if not drawn.points:
        return []
    points = [
        (
            _WIDTH * _part(x, chart.x_range),
            _HEIGHT * (1 - _part(min(max(y, chart.y_range[0]), chart.y_range[1]), chart.y_range)),
        )
        for x, y in drawn.points
    ]
    if drawn.is_stepped:
        path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
    else:
        path = line(points)
    shapes = [element("path", d=path, fill="none", stroke=colour, stroke_width="1.6")]
    if drawn.has_dots:
        shapes += [element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.5", fill=colour) for x, y in points]
    return shapes


def _matrix(chart: Matrix) -> list[Html]:
    step_x, step_y = _WIDTH / max(len(chart.labels), 1), _HEIGHT / max(len(chart.labels), 1)
    shapes = []
    for row, counts in enumerate(chart.counts):
        whole = sum(counts) or 1
        middle = step_y * (row + 0.5) + 3
        shapes.append(words(fit(chart.labels[row], 9), -6, middle, anchor="end"))
        shapes.append(
            words(fit(chart.labels[row], max(2, int(step_x / 6))), step_x * (row + 0.5), _HEIGHT + 12, anchor="middle")
        )
        for at, count in enumerate(counts):
            place = {"x": f"{step_x * at + 0.5:.1f}", "y": f"{step_y * row + 0.5:.1f}"}
            size = {"width": f"{step_x - 1:.1f}", "height": f"{step_y - 1:.1f}"}
            shade = f"{0.06 + 0.7 * count / whole:.2f}"
            shapes.append(element("rect", **place, **size, fill=COLOURS[0], fill_opacity=shade))
            ink = "white" if count / whole > DARK_PART else INK
            shapes.append(words(f"{count:,}", step_x * (at + 0.5), middle, anchor="middle", fill=ink))
    return [*shapes, words("predicted", _WIDTH / 2, _HEIGHT + 27, anchor="middle")]


def _dots(chart: DotChart) -> list[Html]:
    shapes = [_frame(), *_ends(chart.x_range, None)]
    step = _HEIGHT / len(chart.values)
    for at, value in enumerate(chart.values):
        if step >= 9 or at % 2 == 0:
            shapes.append(words(fit(value, 10), -6, step * (at + 0.5) + 3, anchor="end"))
    lane = step / (len(chart.versions) + 1)
    for dot in chart.dots:
        version = chart.versions.index(dot.version)
        y = f"{step * chart.values.index(dot.value) + lane * (version + 1):.1f}"
        low, high, x = (f"{_WIDTH * _part(each, chart.x_range):.1f}" for each in (dot.low, dot.high, dot.at))
        colour = COLOURS[version]
        shapes.append(element("path", d=f"M{low} {y}H{high}", stroke=colour, stroke_width="1.4", stroke_opacity=".6"))
        shapes.append(element("circle", cx=x, cy=y, r="3", fill=colour))
    return shapes


def _part(value: float, ends: Point) -> float:
    low, high = ends
    return (value - low) / (high - low) if high > low else 0.5


def _frame() -> Html:
    return element("path", d=f"M0 0V{_HEIGHT}H{_WIDTH}", fill="none", stroke=INK, stroke_opacity=".5")


def _ends(x: Point, y: Point | None) -> list[Html]:
    told = [words(number(x[0]), 0, _HEIGHT + 13), words(number(x[1]), _WIDTH, _HEIGHT + 13, anchor="end")]
    if y is not None:
        told += [words(number(y[0]), -5, _HEIGHT, anchor="end"), words(number(y[1]), -5, 9, anchor="end")]
    return told
