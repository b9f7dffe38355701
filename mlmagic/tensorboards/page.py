"""TensorBoard's page, so that all that it loads lies below the address that it is found at itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PAGES = frozenset({"/", "/index.html"})
_FONTS, _RELATIVE = b"url(/font-roboto/", b"url(font-roboto/"
"""It asks for its fonts at the root of the site, and for all else by relative addresses."""


def below_its_address(application: WSGIApplication) -> WSGIApplication:
    """Return TensorBoard with a page whose fonts are found below any prefix."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") not in _PAGES or environ.get("REQUEST_METHOD") != "GET":
            return application(environ, start_response)
        told: list[Any] = []

        def start(*words: Any) -> Any:
            told[:] = words
            return None

        body = b"".join(application(environ, start)).replace(_FONTS, _RELATIVE)
        status, headers, *more = told
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))], *more)
        return [body]

    return answer
