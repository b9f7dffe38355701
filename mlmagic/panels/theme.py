"""The look that all panels share: JupyterLab's own variables, with fallbacks that are right in light and in dark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mlmagic.panels.markup import Html, element, join
from mlmagic.spec.job import JobState

# Without JupyterLab's variables the ground may be white or black: greys are translucent and text is inherited.
_TEXT = "var(--jp-content-font-color1,inherit)"
FAINT = "var(--jp-content-font-color2,inherit)"
LINE = "var(--jp-border-color2,rgba(128,128,128,.35))"
_GROUND = "rgba(128,128,128,.08)"
SANS = "var(--jp-ui-font-family,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif)"
MONO = "var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace)"

# Notebook front ends stripe, centre and right-align the tables of outputs; these are not data frames.
_CELL = "text-align:left;border:0;background:none;max-width:none;font-size:13px;line-height:1.5"
_TOP = f"vertical-align:baseline;{_CELL}"
_ROW = "background:none"
# Ids that are not longer stay on one line.
_LONGEST_UNBROKEN = 40
_TABLE = "border-collapse:collapse;border:0;margin:0;table-layout:auto;font-size:13px;color:inherit"

# White text on each has a contrast of at least 4.5, and each stands out from a white and from a black ground.
GREEN, RED, BLUE, AMBER, GREY, PURPLE = "#1b7f3b", "#c5221f", "#1a66d6", "#8f5a00", "#5f6368", "#7b3fb5"

_STATES: Mapping[JobState, tuple[str, str]] = {
    JobState.QUEUED: ("○", GREY),
    JobState.PENDING: ("◔", GREY),
    JobState.RUNNING: ("●", BLUE),
    JobState.SUCCEEDED: ("✓", GREEN),
    JobState.FAILED: ("✗", RED),
    JobState.CANCELLING: ("◌", AMBER),
    JobState.CANCELLED: ("■", GREY),
    JobState.PAUSED: ("‖", AMBER),
    JobState.EXPIRED: ("⊘", RED),
    JobState.UPDATING: ("↻", BLUE),
    JobState.PARTIALLY_SUCCEEDED: ("◐", AMBER),
    JobState.LOST: ("?", PURPLE),
}


def toned(colour: str) -> str:
    """Return a colour for text: towards the text's own, so that it can be read on a light and on a dark ground."""
    return f"color-mix(in srgb,{colour} 70%,currentColor)"


def icon(state: JobState) -> str:
    """Return the sign of a state, so that it does not hang on colour alone."""
    return _STATES[state][0]


def badge(state: JobState) -> Html:
    """Return a state as a coloured pill with its icon and its name."""
    sign, colour = _STATES[state]
    return pill(f"{sign} {state.value.replace('_', ' ')}", colour)


def signed(state: JobState) -> Html:
    """Return a state as its icon alone, in its colour; its name is told to who points at it or cannot see it."""
    sign, colour = _STATES[state]
    return element("span", sign, style=f"color:{toned(colour)}", title=state.value, role="img", aria_label=state.value)


def pill(text: str, colour: str) -> Html:
    """Return a short text on a coloured ground."""
    style = {
        "display": "inline-block",
        "padding": "1px 9px",
        "border-radius": "10px",
        "font-size": "11px",
        "font-weight": "600",
        "letter-spacing": ".03em",
        "line-height": "18px",
        "white-space": "nowrap",
        "max-width": "100%",
        "box-sizing": "border-box",
        "overflow": "hidden",
        "text-overflow": "ellipsis",
        "vertical-align": "bottom",
        "color": "#fff",
        "background": colour,
    }
    return element("span", text, style=style)


def card(*children: str | None) -> Html:
    """Return the frame of a panel."""
    style = {
        "font-family": SANS,
        "font-size": "13px",
        "line-height": "1.5",
        "color": _TEXT,
        "border": f"1px solid {LINE}",
        "border-radius": "8px",
        "padding": "12px 16px",
        "margin": "4px 0",
        "max-width": "960px",
        "box-sizing": "border-box",
    }
    return element("div", *children, style=style)


def heading(*left: str | None, right: str | None = None) -> Html:
    """Return the first line of a panel: what it is about, and at the far end one thing about it."""
    style = {"display": "flex", "flex-wrap": "wrap", "align-items": "center", "gap": "4px 10px"}
    end = element("span", right, style=f"margin-left:auto;white-space:nowrap;color:{FAINT}") if right else None
    return element("div", *left, end, style=style)


def title(text: str) -> Html:
    """Return a name, large."""
    return element("strong", text, style="font-size:15px;font-weight:600;overflow-wrap:anywhere")


def copyable(text: str) -> Html:
    """Return an id that one click selects whole."""
    style = {
        "font-family": MONO,
        "font-size": "12px",
        "color": FAINT,
        "background": "none",
        "padding": "0",
        "user-select": "all",
        # JupyterLab wraps code; half an id below the other half cannot be read at a glance.
        "white-space": "nowrap" if len(text) <= _LONGEST_UNBROKEN else "pre-wrap",
    }
    return element("code", text, style=style)


def code(text: str) -> Html:
    """Return something to be typed; one click selects it whole."""
    style = {
        "font-family": MONO,
        "font-size": "12px",
        "color": "inherit",
        "background": _GROUND,
        "border-radius": "4px",
        "padding": "1px 6px",
        "user-select": "all",
        "white-space": "inherit",
        "overflow-wrap": "anywhere",
    }
    return element("code", text, style=style)


def mono(text: str) -> Html:
    """Return a name that a program knows something by."""
    return element("span", text, style=f"font-family:{MONO};font-size:12px")


def row(*children: str | None, top: str = "8px") -> Html:
    """Return a line of text."""
    return element("div", *children, style=f"margin-top:{top};overflow-wrap:anywhere")


def faint(*children: str | None, **attributes: str) -> Html:
    """Return words that step back."""
    return element("span", *children, style=f"color:{FAINT}", **attributes)


def hints(label: str, commands: Sequence[str]) -> Html:
    """Return what can be done next."""
    gap = {"display": "flex", "flex-wrap": "wrap", "align-items": "baseline", "gap": "4px 8px", "margin-top": "10px"}
    return element("div", faint(label), *(code(command) for command in commands), style=gap)


def block(text: str | Html, *, height: str = "none", wrap: bool = True, at_end: bool = False) -> Html:
    """Return preformatted text; where it is higher than `height` it scrolls, and begins at its end with `at_end`."""
    style = {
        "font-family": MONO,
        "font-size": "12px",
        "line-height": "1.45",
        "color": "inherit",
        "background": "none",
        "border": "0",
        "margin": "0",
        "padding": "8px 12px",
        "white-space": "pre-wrap" if wrap else "pre",
        "overflow-wrap": "anywhere" if wrap else "normal",
        "tab-size": "4",
        # JupyterLab lets every <pre> scroll; a box within the box would begin at its top again.
        "overflow": "visible",
        "flex": "none",
    }
    # A reversed column starts scrolled to its end, without a script.
    frame = {
        "display": "flex",
        "flex-direction": "column-reverse" if at_end else "column",
        "max-height": height,
        "overflow": "auto",
        "background": _GROUND,
        "border-radius": "6px",
        "margin-top": "8px",
    }
    return element("div", element("pre", text, style=style), style=frame)


def notice(*children: str | None, colour: str) -> Html:
    """Return something that must be seen, with a bar of its colour beside it."""
    style = {"border-left": f"4px solid {colour}", "padding": "2px 0 2px 12px", "margin-top": "10px"}
    return element("div", *children, style={**style, "overflow-wrap": "anywhere"})


def folded(summary: str, *children: str | None, is_open: bool = False, title: str | None = None) -> Html:
    """Return something that opens on a click; `title` is told to who points at it."""
    head = element("summary", summary, style=f"cursor:pointer;color:{FAINT}", title=title)
    return element("details", head, *children, style="margin-top:8px", open=is_open)


def facts(pairs: Sequence[tuple[str, str | None]]) -> Html:
    """Return names and values in two columns, without those that have no value."""
    name_style = f"color:{FAINT};padding:1px 16px 1px 0;white-space:nowrap;vertical-align:top;{_CELL}"
    value_style = f"padding:1px 0;overflow-wrap:anywhere;{_CELL}"
    rows = [
        element("tr", element("td", name, style=name_style), element("td", value, style=value_style), style=_ROW)
        for name, value in pairs
        if value
    ]
    return element("table", element("tbody", *rows), style=f"{_TABLE};margin-top:8px")


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    wraps: Collection[int] = (),
    right: Collection[int] = (),
) -> Html:
    """Return a table; it scrolls sideways where it is too wide.

    The last column takes the room that is left, unless other columns are named that wrap where there is little.
    Columns of numbers, those in `right`, end together and never wrap.
    """
    last = len(header) - 1
    columns = [
        _NUMBERS if at in right else _column(wraps=at in wraps or at == last, grows=at == last and not wraps)
        for at in range(len(header))
    ]
    columns[last] = columns[last].replace(_PADDING, "padding:5px 0")
    head = [
        element("th", name, style=f"{style};color:{FAINT};font-weight:500")
        for name, style in zip(header, columns, strict=True)
    ]
    body = [
        element(
            "tr",
            *(element("td", cell, style=style) for cell, style in zip(cells, columns, strict=True)),
            style=f"{_ROW};border-top:1px solid {LINE}",
        )
        for cells in rows
    ]
    parts = [element("thead", element("tr", *head, style=_ROW)), element("tbody", *body)]
    return element(
        "div", element("table", *parts, style=f"{_TABLE};width:100%"), style="overflow-x:auto;margin-top:4px"
    )


_PADDING = "padding:5px 20px 5px 0"
_NUMBERS = (
    f"white-space:nowrap;{_PADDING};{_TOP.replace('text-align:left', 'text-align:right')};"
    "font-variant-numeric:tabular-nums"
)


def _column(*, wraps: bool, grows: bool) -> str:
    room = "overflow-wrap:anywhere;min-width:10em" if wraps else "white-space:nowrap"
    return f"{room};padding:5px 0;width:99%;{_TOP}" if grows else f"{room};{_PADDING};{_TOP}"


def paragraphs(lines: Sequence[str]) -> Html:
    """Return each line on a line of its own."""
    return join(element("div", line) for line in lines)
