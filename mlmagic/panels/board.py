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
_ENDS = "It ends 30 minutes after the last look at it."
_ALONE = f"Reachable from this machine alone, by who knows this address. {_ENDS}"
_SERVED = f"Reachable by who is logged in to this Jupyter server. {_ENDS}"
_NONE = "No TensorBoard runs. One is started with %tensorboard JOB."


def board_bundle(page: BoardPage, *, base_url: str | None = None) -> Bundle:
    """Return a board as a frame in a notebook, and as its address in a terminal.

    Args:
        page: what is shown.
        base_url: of the Jupyter server that passes requests on to it, as it is known here.
    """
    title = one_line(page.title)
    if not page.is_running:
        text = f"TensorBoard of {title}: ended\nStart it again: {page.command}"
        return document(MIME_TYPE, encode(page), html=ended_html(page.title, page.command), text=text)
    address = _address(page, base_url)
    reach = _ALONE if page.path is None else _SERVED
    frame = element(
        "iframe",
        src=address,
        title=f"TensorBoard of {title}",
        width="100%",
        height=str(HEIGHT),
        style="border:0",
        referrerpolicy="no-referrer",
    )
    html = join([theme.card(_heading(title, "runs"), _link(address), theme.row(theme.faint(reach), top="2px")), frame])
    where = address if page.path is None else f"{address} of this Jupyter server"
    lines = [f"TensorBoard of {title}", f"  {where}", *folded(reach), f"Stop it: {page.spec.stop_command}"]
    return document(MIME_TYPE, encode(page), html=html, text="\n".join(lines))


def ended_html(title: str, command: str, *actions: str | None) -> Html:
    """Return what is shown of a board that runs no more: how it is started again, and what else can be done."""
    return theme.card(_heading(one_line(title), "ended"), theme.hints("Start it again", [command]), *actions)


def boards_bundle(pages: Sequence[BoardPage], *, base_url: str | None = None, now: datetime | None = None) -> Bundle:
    """Return the list of boards; `base_url` is that of the Jupyter server that passes requests on to them."""
    payload = {"boards": [encode(page) for page in pages]}
    if not pages:
        return document(LIST_MIME_TYPE, payload, html=theme.card(theme.faint(_NONE)), text=_NONE)
    now = now or utc_now()
    rows = [[page.title, "runs" if page.is_running else "ended", _started(page, now)] for page in pages]
    linked = [
        [
            join([element("strong", page.title), _link(_address(page, base_url)) if page.is_running else None]),
            *row[1:],
        ]
        for page, row in zip(pages, rows, strict=True)
    ]
    html = theme.card(theme.table(["TensorBoard of", "State", "Started"], linked, wraps=[0]))
    text = table(["TENSORBOARD OF", "STATE", "STARTED"], rows, flexible=0)
    addresses = [_address(page, base_url) for page in pages if page.is_running]
    return document(LIST_MIME_TYPE, payload, html=html, text="\n".join([text, *addresses]))


def _address(page: BoardPage, base_url: str | None) -> str:
    return f"{base_url or '/'}{page.path}" if page.path is not None else page.url or ""


def _started(page: BoardPage, now: datetime) -> str:
    return "" if page.start_time is None else ago(page.start_time, now)


def _heading(title: str, state: str) -> Html:
    return theme.heading(theme.title("TensorBoard"), theme.mono(title), theme.faint(state))


def _link(url: str) -> Html:
    link = element("a", "Open in a tab of its own", href=url, target="_blank", rel="noopener noreferrer")
    return theme.row(link, top="4px")
