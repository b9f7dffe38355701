"""The pages in place of a board that cannot be shown: each says why, and what to do next."""

from __future__ import annotations

from mlmagic.errors import MlmagicError
from mlmagic.panels import theme
from mlmagic.panels.board import ended_html
from mlmagic.panels.markup import Html, element, join
from mlmagic.spec.board import BoardSpec

_ANY = "%tensorboard JOB"
_UNKNOWN = "This TensorBoard is not known here any more."
_SILENT = "This TensorBoard does not answer. It may be busy with many runs: load this page again in a moment."


def ended_page(spec: BoardSpec, token: str) -> str:
    """Return the page of a board that ended.

    Args:
        spec: what it showed.
        token: by which Jupyter knows that the form was sent from its own page.
    """
    # A button takes its own value along: no script, no hidden field.
    button = element("button", "Start it again", type="submit", name="_xsrf", value=token)
    form = element("form", button, method="post", action="./", style="margin-top:10px")
    return _page(ended_html(spec.title, spec.command, form))


def unknown_page() -> str:
    """Return the page of a board of which nothing is left."""
    return _page(theme.card(theme.row(_UNKNOWN, top="0"), theme.hints("Start one", [_ANY])))


def silent_page(spec: BoardSpec) -> str:
    """Return the page of a board whose process is there, and does not answer."""
    hints = theme.hints("Or start it anew", [spec.stop_command, spec.command])
    return _page(theme.card(theme.row(_SILENT, top="0"), hints))


def error_page(error: MlmagicError) -> str:
    """Return the page of a board that could not be started."""
    lines = [error.message, *error.problems, *([error.hint] if error.hint else [])]
    return _page(theme.card(theme.title("TensorBoard"), theme.paragraphs(lines)))


def _page(body: Html) -> str:
    # Jupyter's own colours are not there: the browser's are, light or dark.
    head = element("head", element("title", "TensorBoard"))
    page = element("html", head, element("body", body, style="margin:12px"), lang="en", style="color-scheme:light dark")
    return f"<!DOCTYPE html>{join([page])}"
