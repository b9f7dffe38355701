"""What a panel hands to Jupyter: one mime bundle with our own type, HTML and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from mlmagic.panels.markup import Html
from mlmagic.panels.text import plain_log
from mlmagic.spec.codec import SCHEMA_VERSION

Bundle: TypeAlias = dict[str, Any]
"""Mime type to content, as `_repr_mimebundle_` returns it."""


def document(mime_type: str, payload: Mapping[str, Any], *, html: Html, text: str) -> Bundle:
    """Return the bundle of a panel. The payload is what a front end of ours renders itself."""
    return {
        mime_type: {"schemaVersion": SCHEMA_VERSION, **payload},
        "text/html": str(html),
        "text/plain": plain_log(text),
    }
