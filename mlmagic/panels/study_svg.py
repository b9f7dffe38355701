"""Charts of a study as pictures: each within its page, or all in one for front ends without Vega-Lite."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.markup import Html, element
from mlmagic.panels.study_axes import Tick
from mlmagic.panels.study_charts import Chart, Dot, History, Importance, Parallel, Slice
from mlmagic.panels.study_words import short
from mlmagic.panels.svg import COLOURS, FONT, INK, line, picture, words
from mlmagic.panels.text import display_width, fit

_DOT, _BEST = COLOURS[:2]
FAILED = "#d93025"
"""It stands out from a white and from a black ground."""
_LEFT, _RIGHT, _HEAD, _FOOT, _LANE = 60, 14, 26, 34, 14
_NAME_WIDTH, _TICK_WIDTH, _TITLE_WIDTH = 22, 8, 200
_CHARACTER = 6.2
"""How wide one is, about."""
_BOLD, _LINE, _NOTE = 7.4, 12, 16
"""How wide a character of a title is, and how high a line of labels and one of notes is."""
# Behind words that lie over lines; JupyterLab says what the ground is, elsewhere there is none.
_HALO = "paint-order:stroke;stroke:var(--jp-layout-color0,transparent);stroke-width:3px;stroke-linejoin:round"

_FEW = 50
"""Of more lines the worst are almost not there."""

Size = tuple[int, int]


def size_of(chart: Chart) -> Size:
    """Return how wide and high a chart is drawn."""
    match chart:
        case History():
            return 560, 230
        case Parallel():
            return 900, 260
        case Slice():
            return 290, 200
        case Importance():
            return 320, max(90, _HEAD + 22 * len(chart.shares) + 12)


def chart_svg(chart: Chart, *, is_wide: bool = False) -> Html:
    """Return one chart as a part of a page, as wide as there is room; `is_wide` where it stands alone in its row."""
    width, height = (900, size_of(chart)[1]) if is_wide else size_of(chart)
    return element(
        "svg",
        *_shapes(chart, (width, height)),
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=title_of(chart),
        style=f"display:block;width:100%;max-width:{width}px;height:auto;{FONT}",
    )


def charts_picture(charts: Sequence[Chart], notes: Sequence[str] = (), *, width: int = 900) -> str:
    """Return all charts in one picture, in rows as wide as the widest, with notes below them."""
    parts: list[Html] = []
    x = y = row = 0
    for chart in charts:
        size = size_of(chart)
        if x and x + size[0] > width:
            x, y, row = 0, y + row, 0
        parts.append(element("g", *_shapes(chart, size), transform=f"translate({x} {y})"))
        x, row = x + size[0] + 10, max(row, size[1] + 12)
    foot = y + row
    parts += [words(note, 0, foot + _NOTE * at + 11, size=11) for at, note in enumerate(notes)]
    return picture(*parts, width=width, height=foot + _NOTE * len(notes))


def title_of(chart: Chart) -> str:
    """Return what a chart shows."""
    match chart:
        case History():
            return f"{chart.metric} by trial, and the best so far"
        case Parallel():
            return f"Parameters and {chart.metric} of all trials"
        case Slice():
            return f"{chart.metric} by {chart.axis.parameter.name}"
        case Importance():
            return "What mattered"


def _shapes(chart: Chart, size: Size) -> list[Html]:
    match chart:
        case History():
            return _history(chart, size)
        case Parallel():
            return _parallel(chart, size)
        case Slice():
            return _slice(chart, size)
        case Importance():
            return _importance(chart, size)


def _history(chart: History, size: Size) -> list[Html]:
    across, bottom = size[0] - _RIGHT - _LEFT, size[1] - _FOOT
    # What failed has a lane of its own.
    floor = bottom - (_LANE if chart.failed else 0)

    def x(trial: float) -> float:
        return _LEFT + across * (trial - 0.5) / chart.last

    def y(value: float) -> float:
        return floor - (floor - _HEAD) * chart.axis.place(value)

    signs = _signs(chart)
    room = int((across - _CHARACTER * display_width(signs)) / _BOLD) - 1
    shapes = [_name(title_of(chart), _LEFT, room), *_frame(size)]
    shapes += _levels(chart.axis.ticks, size[0] - _RIGHT, floor)
    shapes += [words(signs, size[0] - _RIGHT, 14, anchor="end"), *_trials(chart.last, size)]
    corners = [
        (x(number), y(level))
        for at, (number, value) in enumerate(chart.best)
        for level in ([chart.best[at - 1][1], value] if at else [value])
    ]
    if corners:
        last = max(dot.number for dot in chart.dots if dot.is_final)
        path = line([*corners, (x(last), corners[-1][1])])
        shapes.append(element("path", d=path, fill="none", stroke=_BEST, stroke_width="1.6", stroke_opacity=".9"))
    shapes += [_cross(x(number), bottom - _LANE / 2, f"trial {number} failed") for number in chart.failed]
    return shapes + [
        _dot(dot, x(dot.number), y(dot.value), is_beyond=chart.axis.is_beyond(dot.value)) for dot in chart.dots
    ]


def _parallel(chart: Parallel, size: Size) -> list[Html]:
    top, bottom = _HEAD + 34, size[1] - 30
    axes = [*(axis.ticks((bottom - top) // _LINE) for axis in chart.axes), chart.result.ticks]
    names = [*(axis.parameter.name for axis in chart.axes), chart.metric]
    left, right = 50, size[0] - 60
    step = (right - left) / (len(axes) - 1)

    def place(at: int, part: float | None) -> tuple[float, float]:
        # Where a parameter does not apply, the line passes below its axis.
        return left + step * at, bottom + 20 if part is None else bottom - (bottom - top) * part

    shapes = [_name(title_of(chart), 0)]
    faintest = 0.25 if len(chart.lines) <= _FEW else 0.12
    for each in chart.lines:
        parts = [
            None if value is None else axis.place(value) for axis, value in zip(chart.axes, each.values, strict=True)
        ]
        path = line([place(at, part) for at, part in enumerate([*parts, chart.result.place(each.value)])])
        is_best = each.rank == 0
        style = {"stroke": _BEST if is_best else _DOT, "stroke_width": "2.4" if is_best else "1.2"}
        opacity = "1" if is_best else f"{faintest + 0.6 * (1 - each.rank) ** 2:.2f}"
        title = element("title", fit(each.told, _TITLE_WIDTH))
        shapes.append(
            element("path", title, d=path, fill="none", stroke_opacity=opacity, stroke_linejoin="round", **style)
        )
    for at, (name, ticks) in enumerate(zip(names, axes, strict=True)):
        x = place(at, 0)[0]
        shapes.append(element("path", d=f"M{x:.1f} {top}V{bottom}", stroke=INK, stroke_opacity=".7"))
        room = max(6, int(step / (_CHARACTER + 1)))
        label = element("title", name)
        shapes.append(
            element("g", label, words(short(name, room), x, top - 12, size=11, weight="600", anchor="middle"))
        )
        shapes += [_told(text, x + 5, bottom - (bottom - top) * part + 3.5) for part, text in ticks]
    return shapes


def _slice(chart: Slice, size: Size) -> list[Html]:
    right, bottom = size[0] - _RIGHT, size[1] - _FOOT
    across, down = right - _LEFT, bottom - _HEAD
    # Values that are told apart stand away from the frame.
    inset = 18 if chart.axis.is_word else 4
    shapes = [
        _name(short(chart.axis.parameter.name, 28), _LEFT),
        *_frame(size),
        *_levels(chart.result.ticks, right, bottom),
    ]
    ticks = chart.axis.ticks_across(int(across / _CHARACTER))
    room = max(3, int(across / max(1, len(ticks)) / _CHARACTER))
    for part, text in ticks:
        x = _LEFT + inset + (across - 2 * inset) * part
        shapes.append(words(fit(text, room), x, bottom + 14, anchor="middle"))
    for value, dot in chart.dots:
        place = chart.axis.place(value)
        if place is not None:
            x, y = _LEFT + inset + (across - 2 * inset) * place, bottom - down * chart.result.place(dot.value)
            # The later, the darker: where the search went.
            opacity = 0.3 + 0.6 * dot.number / max(1, chart.last)
            shapes.append(_dot(dot, x, y, is_beyond=chart.result.is_beyond(dot.value), opacity=opacity))
    return shapes


def _importance(chart: Importance, size: Size) -> list[Html]:
    left, right = 110, size[0] - 46
    shapes = [_name(title_of(chart), 0)]
    top = max(share for _, share in chart.shares) or 1.0
    for at, (name, share) in enumerate(chart.shares):
        y = _HEAD + 8 + 22 * at
        wide = max(1.0, (right - left) * share / top)
        label = element("title", name)
        text = words(short(name, 16), left - 8, y + 11, size=11, anchor="end")
        bar = element("rect", x=str(left), y=str(y), width=f"{wide:.1f}", height="14", rx="2", fill=_DOT)
        shapes += [element("g", label, text), bar, words(f"{share:.0%}", left + wide + 6, y + 11, size=11)]
    return shapes


def _name(text: str, x: float, room: int = 60) -> Html:
    shown = words(fit(text, room), x, 14, size=12, weight="600")
    return shown if display_width(text) <= room else element("g", element("title", text), shown)


def _frame(size: Size) -> list[Html]:
    path = f"M{_LEFT} {_HEAD}V{size[1] - _FOOT}H{size[0] - _RIGHT}"
    return [element("path", d=path, fill="none", stroke=INK, stroke_opacity=".5")]


def _levels(ticks: Sequence[Tick], right: float, bottom: float) -> list[Html]:
    """Return the results that are told, with a line across for each."""
    shapes = []
    for part, text in ticks:
        y = bottom - (bottom - _HEAD) * part
        shapes.append(element("path", d=f"M{_LEFT} {y:.1f}H{right}", stroke=INK, stroke_opacity=".18"))
        shapes.append(words(fit(text, _TICK_WIDTH), _LEFT - 6, y + 3.5, anchor="end"))
    return shapes


def _signs(chart: History) -> str:
    """Return what the signs mean that are not simply results."""
    told = ["○ stopped early"] if any(dot.is_early for dot in chart.dots) else []
    told += ["◌ so far"] if any(not dot.is_final for dot in chart.dots) else []
    told += ["✕ failed"] if chart.failed else []
    return " · ".join(told)


def _trials(last: int, size: Size) -> list[Html]:
    """Return numbers of trials below the frame."""
    across, y = size[0] - _RIGHT - _LEFT, size[1] - _FOOT + 14
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000) if last / step <= 12)
    told = [
        words(str(number), _LEFT + across * (number - 0.5) / last, y, anchor="middle")
        for number in range(every, last + 1, every)
    ]
    return [*told, words("trial", _LEFT + across / 2, y + 15, anchor="middle")]


def _dot(dot: Dot, x: float, y: float, *, is_beyond: bool, opacity: float = 0.85) -> Html:
    told = element("title", fit(dot.told, _TITLE_WIDTH))
    if is_beyond:
        # It points to where it would lie.
        tip = -5 if y < _HEAD + 10 else 5
        path = f"M{x - 4:.1f} {y - tip:.1f}h8l-4 {tip:g}z"
        return element("path", told, d=path, fill=_DOT, fill_opacity=f"{opacity:.2f}")
    place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}"}
    if dot.is_best:
        return element("circle", told, **place, r="5", fill=_BEST)
    if dot.is_final and not dot.is_early:
        return element("circle", told, **place, r="3.5", fill=_DOT, fill_opacity=f"{opacity:.2f}")
    # What goes on, or was stopped, is hollow.
    dashed = {} if dot.is_final else {"stroke_dasharray": "2 1.5"}
    return element("circle", told, **place, r="3.5", fill="none", stroke=_DOT, stroke_width="1.5", **dashed)


def _cross(x: float, y: float, told: str) -> Html:
    path = f"M{x - 3:.1f} {y - 3:.1f}l6 6M{x + 3:.1f} {y - 3:.1f}l-6 6"
    return element("path", element("title", told), d=path, fill="none", stroke=FAILED, stroke_width="1.6")


def _told(text: str, x: float, y: float) -> Html:
    label = fit(text, 12)
    return element("text", label, x=f"{x:.1f}", y=f"{y:.1f}", font_size="10", fill=INK, style=_HALO)
