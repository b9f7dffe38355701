"""Where a browser looks at a board: below the server's own address and behind its login.

The secret by which a board answers stays here: no browser sees it. Nothing by which a browser is known to Jupyter goes
on to TensorBoard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from jupyter_server.auth.decorator import authorized  # noqa: TID253 - nothing but a Jupyter server imports this
from jupyter_server.base.handlers import JupyterHandler  # noqa: TID253
from jupyter_server.utils import url_path_join  # noqa: TID253
from jupyter_server_proxy.handlers import ProxyHandler  # type: ignore[import-untyped]
from tornado import httputil, web
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from mlmagic.errors import MlmagicError
from mlmagic.server.board_pages import ended_page, error_page, silent_page, unknown_page
from mlmagic.server.errors import status_of
from mlmagic.server.threads import threads
from mlmagic.session import current_session
from mlmagic.spec.board import BoardSpec, board_path
from mlmagic.tensorboards.record import HOST, BoardRecord, board_folder, read_board, read_spec

Verb = TypeVar("Verb", bound=Callable[..., Any])

_ASKED = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-type",
        "if-modified-since",
        "if-none-match",
        "range",
        "user-agent",
    }
)
"""The headers that go on to TensorBoard, beside its own: no cookie, no token, no page that was left."""
_ANSWERED = frozenset(
    {
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "referrer-policy",
        "vary",
    }
)
"""The headers that come back, beside the rules for scripts: no cookie of another server."""
_OWN = "x-tensorboard"
_RULES = "Content-Security-Policy"
_LOGIN = frozenset({"token", "_xsrf"})
"""What of a query is for Jupyter alone."""
_LARGEST = 1 << 40
"""Bytes of an answer, which is never held as a whole."""
_CONNECT_SECONDS = 5.0
_FIRST_SECONDS = 60.0
"""Until an answer begins: a board that was stopped takes requests, and answers none."""


def _checked(action: str) -> Callable[[Verb], Verb]:
    """Let through who is logged in and may do that."""

    def decorate(verb: Verb) -> Verb:
        decorated: Any = web.authenticated(authorized(action, "mlmagic")(verb))
        return cast("Verb", decorated)

    return decorate


class BoardProxy(ProxyHandler):  # type: ignore[misc]  # it has no types
    """Passes requests on to a board; of one that ended, says how it is started again."""

    def get_login_url(self) -> str:
        """Return where a person logs in. A script that asks for data is refused."""
        if self.request.headers.get("Sec-Fetch-Mode") != "navigate":
            raise web.HTTPError(403)
        return str(super().get_login_url())

    @_checked("read")
    async def get(self, board: str, path: str = "") -> None:
        """Pass on what is asked for; a board that does not run is not started by it."""
        if not path and not self.request.path.endswith("/"):
            self.redirect(self._address(board))
            return
        record, spec = await threads("read").run(partial(_look, board))
        if record is not None:
            await self._pass_on(record)
        elif spec is not None:
            self._show(410, ended_page(spec, self.xsrf_token.decode()))
        else:
            self._show(404, unknown_page())

    head = get

    @_checked("read")
    async def post(self, board: str, path: str = "") -> None:
        """Pass on a question that is too long for an address; from the page of a board that ended, start it again."""
        if not self.check_origin():
            raise web.HTTPError(403, "Another page than Jupyter's has sent this.")
        record, _ = await threads("read").run(partial(_look, board))
        if record is not None:
            await self._pass_on(record)
        elif path:
            raise web.HTTPError(410)
        else:
            # TensorBoard's own questions change nothing and know of no such token; this does.
            JupyterHandler.check_xsrf_cookie(self)
            await self._start_again(board)

    @_checked("read")
    async def put(self, board: str, path: str = "") -> None:  # noqa: ARG002 - as all verbs are called
        """Refuse what TensorBoard has no use for."""
        raise web.HTTPError(405)

    patch = delete = options = put

    @_checked("write")
    async def _start_again(self, board: str) -> None:
        from mlmagic.api.boards import restart_board

        try:
            await threads("wait").run(partial(restart_board, board, session=current_session()))
        except MlmagicError as error:
            self._show(status_of(error), error_page(error))
        else:
            # The browser asks for the page anew, without the form.
            self.redirect(self._address(board), status=303)

    async def _pass_on(self, record: BoardRecord) -> None:
        self._record_activity()
        client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=_LARGEST)
        limit = asyncio.timeout(_FIRST_SECONDS)
        answer = _Answer(self, record, limit)
        try:
            async with limit:
                await client.fetch(self._request(record, answer), raise_error=False)
                answer.begin()
        except StreamClosedError:
            pass  # the browser has left
        except (OSError, HTTPClientError):
            self.log.warning("mlmagic | the TensorBoard of %s does not answer", record.spec.title)
            if answer.has_begun:
                # Half of an answer is not to be taken for all of it.
                self.detach().close()
            else:
                self._show(502, silent_page(record.spec))
        finally:
            answer.is_over = True
            client.close()

    def _request(self, record: BoardRecord, answer: _Answer) -> HTTPRequest:
        below = self.request.path.partition(board_path(record.key))[2]
        query = "&".join(part for part in self.request.query.split("&") if part.partition("=")[0] not in _LOGIN)
        return HTTPRequest(
            f"http://{HOST}:{record.port}{record.prefix}/{below}{'?' if query else ''}{query}",
            method=self.request.method,
            headers=self.proxy_request_headers() | {"Host": f"{HOST}:{record.port}"},
            body=self.request.body if self.request.method == "POST" else None,
            decompress_response=False,
            header_callback=answer.take_header,
            streaming_callback=answer.take_body,
            **self.proxy_request_options(),
        )

    def proxy_request_headers(self) -> dict[str, str]:
        """Return the headers that go on."""
        return {
            name: value
            for name, value in self.request.headers.items()
            if name.lower() in _ASKED or name.lower().startswith(_OWN)
        }

    def proxy_request_options(self) -> dict[str, Any]:
        """Return how long it may take; a board is on this machine."""
        return {**super().proxy_request_options(), "connect_timeout": _CONNECT_SECONDS}

    def _address(self, board: str) -> str:
        return str(url_path_join(self.base_url, board_path(board)))

    def _show(self, status: int, page: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(page)


class _Answer:
    """What TensorBoard answers, handed on piece by piece."""

    def __init__(self, handler: BoardProxy, record: BoardRecord, limit: asyncio.Timeout) -> None:
        self.has_begun = False
        self.is_over = False
        """Nobody takes any more of it."""
        self._limit = limit
        self._handler = handler
        self._record = record
        self._lines: list[str] = []

    def take_header(self, line: str) -> None:
        """Take a line of what stands before the body."""
        self._lines.append(line)

    async def take_body(self, chunk: bytes) -> None:
        """Hand on a piece of the body, when the browser has taken the one before."""
        if self.is_over:
            return
        self.begin()
        self._handler.write(chunk)
        # Its own, which it inherits from its other parent, cannot be waited for.
        await JupyterHandler.flush(self._handler)

    def begin(self) -> None:
        """Hand on status and headers, once."""
        if self.has_begun:
            return
        self.has_begun = True
        self._limit.reschedule(None)
        first, *lines = self._lines
        start = httputil.parse_response_start_line(first.rstrip("\r\n"))
        self._handler.set_status(start.code, start.reason)
        for name, value in httputil.HTTPHeaders.parse("".join(lines)).get_all():
            if name.lower() in _ANSWERED:
                self._handler.set_header(name, value)
            elif name == _RULES:
                # Beside Jupyter's own, which say who may frame the page: both hold.
                self._handler.add_header(name, value)
            elif name == "Location":
                self._handler.set_header(name, self._moved(value))

    def _moved(self, location: str) -> str:
        """Return where a page has moved to, as the browser finds it."""
        prefix = f"{self._record.prefix}/"
        below = location.partition(prefix)[2] if prefix in location else location.lstrip("/")
        return self._handler._address(self._record.key) + below  # noqa: SLF001 - it is one class, in two


def _look(key: str) -> tuple[BoardRecord | None, BoardSpec | None]:
    """Return a board that runs, and what it shows; of one that ended the latter alone."""
    try:
        folder = board_folder(current_session().location, key)
    except MlmagicError:
        return None, None
    record = read_board(folder)
    return record, record.spec if record is not None else read_spec(folder)
