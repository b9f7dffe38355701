"""What shows itself in a notebook, as a page of the browser: the same HTML, made by the same panels."""

from __future__ import annotations

from typing import Any, Protocol

from mlmagic.spec.panel_rows import Page

_OWN_TYPES = "application/vnd.mlmagic."


class Shown(Protocol):
    """What has a mime bundle."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]: ...


def page_of(shown: Shown, title: str) -> Page:
    """Return the page of something that shows itself."""
    bundle = shown._repr_mimebundle_()
    own = [content for kind, content in bundle.items() if kind.startswith(_OWN_TYPES)]
    return Page(title=title, html=bundle["text/html"], bundle=own[0] if own else {})
