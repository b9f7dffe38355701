"""All addresses of the server extension, put together from the modules that have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from jupyter_server.utils import url_path_join  # noqa: TID253 - nothing but a Jupyter server imports this
from tornado import web

from mlmagic.server.handler import Handler, Route

API = "mlmagic/api/v1"

PARTS = (
    "job_rows",
    "logs",
    "curves",
    "usage",
    "checkpoints",
    "stream",
    "jobs",
    "models",
    "endpoints",
    "endpoints_monitoring",
    "datasets",
    "boards",
    "openapi",
)
"""Modules beside this one with a `ROUTES: tuple[Route, ...]`. The first route that fits a path answers."""

PLACEHOLDERS = {
    # Names and ids have nothing in them that could be part of a path; what is no name is at no address.
    "number": r"[1-9][0-9]{0,9}",
    "path": r".+",
}
_NAME = r"[A-Za-z][A-Za-z0-9_-]*"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The routes of all parts that could be imported."""

    routes: tuple[Route, ...]
    missing: tuple[str, ...] = ()
    """What could not, and why; a line each."""


class Nowhere(Handler):
    """What is at no address of ours, which Jupyter would answer with a page."""

    needs_workspace = False

    async def get(self, **_: str) -> None:
        """Say that there is nothing."""
        raise web.HTTPError(404)

    post = put = patch = delete = head = get


def load(parts: tuple[str, ...] = PARTS) -> Loaded:
    """Import the parts; one that needs what is not installed is left out."""
    routes: list[Route] = []
    missing: list[str] = []
    for part in parts:
        try:
            routes += import_module(f"mlmagic.server.{part}").ROUTES
        except ImportError as error:
            missing.append(f"{part} cannot be used: {error}")
    return Loaded(tuple(routes), tuple(missing))


def rules(routes: tuple[Route, ...], base_url: str) -> Iterator[tuple[str, type[web.RequestHandler]]]:
    """Yield what tornado is told: a pattern of escaped paths, and who answers."""
    for route in (*routes, Route("{path}", Nowhere)):
        below = route.path.removeprefix("/") if route.path.startswith("/") else f"{API}/{route.path}"
        yield url_path_join(re.escape(base_url), pattern(below)), route.handler


def pattern(path: str) -> str:
    """Return the regular expression of a path such as `jobs/{job}/page`; each placeholder is an argument of that name.

    `{number}` is a version's, `{path}` takes the rest, and all others are names or ids.
    """
    parts = re.split(r"\{(\w+)\}", path)
    named = (f"(?P<{name}>{PLACEHOLDERS.get(name, _NAME)})" for name in parts[1::2])
    texts = [re.escape(text) for text in parts[::2]]
    return "".join([texts[0], *(name + text for name, text in zip(named, texts[1:], strict=True))])
