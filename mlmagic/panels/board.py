"""A TensorBoard in a cell's output: a frame around it, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import folded, one_line, table
from mlmagic.panels.times import ago, utc_now
from mlmagic.spec.board import BoardPage
from mlmagic.spec.codec import encode

MIME_TYPE = "application/vnd.mlmagic.board+json"
LIST_MIME_TYPE = "application/vnd.mlmagic.boards+json"
HEIGHT = 800
"""Of the frame, in pixels."""
_REACH = "Reachable from this machine alone, by who knows this address. It ends 30 minutes after the last look at it."
_NONE = "No TensorBoard runs. One is started with %tensorboard JOB."


def board_bundle(page: BoardPage) -> Bundle:
    """Return a board as a frame in a notebook, and as its address in a terminal."""
    title = one_line(page.spec.title)
    if not page.is_running:
        html = theme.card(_heading(title, "ended"), theme.hints("Start it again", [page.spec.command]))
        text = f"TensorBoard of {title}: ended\nStart it again: {page.spec.command}"
        return document(MIME_TYPE, encode(page), html=html, text=text)
    frame = element(
        "iframe",
        src=page.url,
        title=f"TensorBoard of {title}",
        width="100%",
        height=str(HEIGHT),
        style="border:0",
        referrerpolicy="no-referrer",
    )
    html = join(
        [theme.card(_heading(title, "runs"), _link(page.url), theme.row(theme.faint(_REACH), top="2px")), frame]
    )
    lines = [f"TensorBoard of {title}", f"  {page.url}", *folded(_REACH), f"Stop it: {page.spec.stop_command}"]
    return document(MIME_TYPE, encode(page), html=html, text="\n".join(lines))


def boards_bundle(pages: Sequence[BoardPage], *, now: datetime | None = None) -> Bundle:
    """Return the list of boards."""
    payload = {"boards": [encode(page) for page in pages]}
    if not pages:
        return document(LIST_MIME_TYPE, payload, html=theme.card(theme.faint(_NONE)), text=_NONE)
    now = now or utc_now()
    rows = [[page.spec.title, "runs" if page.is_running else "ended", ago(page.start_time, now)] for page in pages]
    linked = [
        [join([element("strong", page.spec.title), _link(page.url) if page.is_running else None]), *row[1:]]
        for page, row in zip(pages, rows, strict=True)
    ]
    html = theme.card(theme.table(["TensorBoard of", "State", "Started"], linked, wraps=[0]))
    text = table(["TENSORBOARD OF", "STATE", "STARTED"], rows, flexible=0)
    addresses = [page.url for page in pages if page.is_running]
    return document(LIST_MIME_TYPE, payload, html=html, text="\n".join([text, *addresses]))


def _heading(title: str, state: str) -> Html:
    return theme.heading(theme.title("TensorBoard"), theme.mono(title), theme.faint(state))


def _link(url: str) -> Html:
    link = element("a", "Open in a tab of its own", href=url, target="_blank", rel="noopener noreferrer")
    return theme.row(link, top="4px")
