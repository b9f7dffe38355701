"""The curves of a board as they are now, for front ends that cannot show the board itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.evaluation_charts import Line, LineChart
from mlmagic.panels.evaluation_svg import charts_svg
from mlmagic.panels.markup import Html, element
from mlmagic.panels.numbers import number
from mlmagic.panels.text import fit, folded, one_line, table
from mlmagic.spec.board import BoardCurve, BoardCurves, FrontEnd
from mlmagic.spec.codec import encode

MIME_TYPE = "application/vnd.mlmagic.board-curves+json"
_MOST_CHARTS = 12
_WHY = {
    FrontEnd.JUPYTER: "These are its curves as they are now.",
    FrontEnd.VS_CODE: "VS Code shows no page of another server in a notebook: these are the curves as they are now.",
    FrontEnd.COLAB: "On Colab no browser can get at a port of the machine: these are the curves as they are now.",
    FrontEnd.KAGGLE: "On Kaggle no browser can get at a port of the machine: these are the curves as they are now.",
}
_NOTHING = "Nothing was written yet. Run the cell again when the first epoch is through."
_AGAIN = "For what came since, run the cell again."


def board_curves_bundle(page: BoardCurves) -> Bundle:
    """Return the curves as charts in a page, and as their last values in a terminal; both say why there is no board."""
    title = one_line(page.spec.title)
    charts = curve_charts(page.curves)
    notes = _notes(page, len(charts))
    drawn = [_picture(charts[:_MOST_CHARTS], title)] if charts else []
    link = [_link(page.url)] if page.url else []
    html = theme.card(
        theme.heading(theme.title("TensorBoard"), theme.mono(title), theme.faint("curves")),
        *(theme.row(theme.faint(note), top="2px") for note in notes),
        *link,
        *drawn,
    )
    lines = [f"TensorBoard of {title}", *(part for note in notes for part in folded(note))]
    lines += [f"  {page.url}"] if page.url else []
    lines += [_table(page.curves)] if page.curves else []
    payload = {key: value for key, value in encode(page).items() if key != "curves"}
    return document(MIME_TYPE, payload, html=html, text="\n".join(lines))


def curve_charts(curves: Sequence[BoardCurve]) -> list[LineChart]:
    """Return a chart for each scalar that has two points that can be drawn, with a line for each run.

    A run has the same place in all charts, and with it the same colour.
    """
    runs = list(dict.fromkeys(curve.run for curve in curves))
    names = dict.fromkeys(curve.name for curve in curves)
    found = [_chart(name, runs, {curve.run: curve for curve in curves if curve.name == name}) for name in names]
    return [chart for chart in found if chart is not None]


def _chart(name: str, runs: Sequence[str], own: dict[str, BoardCurve]) -> LineChart | None:
    lines = [Line(version=run, points=_points(own[run]) if run in own else ()) for run in runs]
    points = [point for line in lines for point in line.points]
    if len(points) < 2:
        return None
    low, high = min(y for _, y in points), max(y for _, y in points)
    # A scalar that stays the same has its line in the middle.
    room = 0.0 if high > low else abs(high) * 0.05 or 1.0
    steps = [x for x, _ in points]
    x_range = (min(steps), max(*steps, min(steps) + 1.0))
    return LineChart(title=name, x="step", y="", lines=tuple(lines), x_range=x_range, y_range=(low - room, high + room))


def _points(curve: BoardCurve) -> tuple[tuple[float, float], ...]:
    both = zip(curve.steps, curve.values, strict=True)
    return tuple((float(step), value) for step, value in both if math.isfinite(value))


def _notes(page: BoardCurves, charts: int) -> list[str]:
    shown = len({curve.run for curve in page.curves})
    notes = [_WHY[page.front_end]]
    if not page.curves:
        return [*notes, _NOTHING]
    if shown < page.runs:
        notes.append(f"{shown} of {page.runs} runs are shown; name those that you want, or choose with --best {shown}.")
    if charts > _MOST_CHARTS:
        notes.append(f"{_MOST_CHARTS} of {charts} charts are shown.")
    return [*notes, _AGAIN]


def _picture(charts: Sequence[LineChart], title: str) -> Html:
    label = f"Curves of {title}"
    # Of a width of its own, it is wider than a narrow cell.
    return element("div", charts_svg(charts), role="img", aria_label=label, style="overflow-x:auto;margin-top:8px")


def _table(curves: Sequence[BoardCurve]) -> str:
    rows = [
        [fit(curve.run, 30), fit(curve.name, 30), str(curve.steps[-1]), number(curve.values[-1])]
        for curve in curves
        if curve.steps
    ]
    return table(["RUN", "SCALAR", "STEP", "VALUE"], rows, flexible=0, right=[2, 3])


def _link(url: str) -> Html:
    words = "The board itself, in a browser on the machine where the kernel runs"
    if not url.startswith("http"):
        return theme.row(theme.faint("The board itself, below the address of the Jupyter server: "), theme.code(url))
    return theme.row(element("a", words, href=url, target="_blank", rel="noopener noreferrer"), top="4px")
