"""What the charts that are drawn as pictures share: words, a legend, a scale that can be read, the picture itself."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.markup import Html, element
from mlmagic.panels.text import display_width, fit

FONT = "font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"
INK = "#808080"
"""It can be read on a white and on a dark ground: a picture knows nothing of the page around it."""
COLOURS = ("#4c8df0", "#e8710a", "#1b9e5a", "#a455d8")
"""Each stands out from a white and from a black ground; what they stand for is told in words too."""


def words(
    text: str, x: float, y: float, *, size: int = 10, weight: str = "400", anchor: str = "start", fill: str = INK
) -> Html:
    """Return a line of text that begins, has its middle or ends at a place."""
    place = {"x": f"{x:g}", "y": f"{y:g}", "text_anchor": anchor, "font_size": str(size), "font_weight": weight}
    return element("text", text, fill=fill, **place)


def legend(
    names: Sequence[str], colours: Sequence[str], *, left: float = 0, width: int = 30, shades: Sequence[float] = ()
) -> list[Html]:
    """Return which colour is what, in a line; names are shortened to `width` characters.

    `shades` are the opacities of the first colours, where what they stand for lets the ground through.
    """
    marks, x = [], left
    for at, (name, colour) in enumerate(zip(names, colours, strict=False)):
        text = fit(name, width)
        shade = {"fill_opacity": f"{shades[at]:g}"} if at < len(shades) else {}
        square = element("rect", x=f"{x:g}", y="3", width="10", height="10", fill=colour, **shade)
        marks += [square, words(text, x + 14, 12)]
        x += 30 + 7 * display_width(text)
    return marks


def picture(*shapes: str, width: int, height: int) -> Html:
    """Return a picture that stands alone or in a page, for front ends that cannot draw charts from a specification."""
    view = f"0 0 {width} {height}"
    size = {"width": str(width), "height": str(height)}
    return element("svg", *shapes, xmlns="http://www.w3.org/2000/svg", **size, viewBox=view, style=FONT)


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through some points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
