"""What all handlers of the REST API share: the login, the thread that the work is done in, errors, bodies and answers.

A handler defines the verbs that it has, as coroutines; it takes nobody's word for who is allowed to use them:
`__init_subclass__` puts Jupyter's own checks before each. An error that it raises is answered by the table in
`errors.py`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial, wraps
from types import TracebackType
from typing import Any, ClassVar, ParamSpec, TypeVar

from jupyter_server.auth.decorator import authorized  # noqa: TID253 - nothing but a Jupyter server imports this
from jupyter_server.base.handlers import APIHandler  # noqa: TID253
from tornado import web

from mlmagic.errors import MlmagicError, NotFoundError
from mlmagic.server.errors import problem_of, status_of
from mlmagic.server.handler_bodies import read_body, read_query
from mlmagic.server.threads import threads
from mlmagic.session import Session, current_session
from mlmagic.spec.codec import encode
from mlmagic.spec.noun import Noun

P = ParamSpec("P")
T = TypeVar("T")
N = TypeVar("N", bound=Noun)

_LOG = logging.getLogger(__name__)
_VERBS = ("get", "head", "post", "put", "patch", "delete")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What `openapi.json` says of a verb, beyond the first line of its docstring."""

    answer: type[Noun] | Mapping[str, object] | None = None
    """A noun, or by field a noun, a list with one, or a type; None where nothing comes back."""
    body: type[Noun] | None = None
    query: type[Noun] | None = None
    status: int = 200
    """Of an answer; without one it is 204."""


def described(
    answer: type[Noun] | Mapping[str, object] | None = None,
    *,
    body: type[Noun] | None = None,
    query: type[Noun] | None = None,
    status: int = 200,
) -> Callable[[T], T]:
    """Note what `openapi.json` says of a verb."""

    def note(verb: T) -> T:
        setattr(verb, _NOTE, Described(answer=answer, body=body, query=query, status=status))
        return verb

    return note


def description_of(verb: object) -> Described | None:
    """Return what was noted of a verb, if anything was."""
    noted = getattr(verb, _NOTE, None)
    return noted if isinstance(noted, Described) else None


_NOTE = "__mlmagic_described__"


@dataclass(frozen=True, slots=True)
class Route:
    """An address and who answers there."""

    path: str
    """`jobs/{job}/package/{path}`, below the API; with a `/` at the front, below the server's base URL."""
    handler: type[web.RequestHandler]


class Handler(APIHandler):
    """An address of the REST API."""

    auth_resource = "mlmagic"
    while_empty: ClassVar[Noun | Mapping[str, object] | None] = None
    """What a GET answers while there is no workspace, which looking never makes; None where that is not found."""
    needs_workspace: ClassVar[bool] = True

    _is_gone = False
    """Whoever asked waits no more."""
    _work: Future[Any] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for verb in _VERBS:
            if (method := cls.__dict__.get(verb)) is not None:
                setattr(cls, verb, web.authenticated(authorized(_looking(method) if verb == "get" else method)))

    @property
    def session(self) -> Session:
        """What the server works with: one for all requests."""
        session = current_session()
        session.tell = _LOG.info
        return session

    def set_default_headers(self) -> None:
        """Have nobody keep what is true just now."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> None:
        """Compare no answer with one before: that costs more than to send it, in the server's own thread."""

    async def prepare(self) -> None:  # type: ignore[override]  # as APIHandler's
        """Refuse who is not logged in, whatever is asked for, be it nothing that there is."""
        await super().prepare()
        if not self.current_user and self.request.method != "OPTIONS":
            raise web.HTTPError(403)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns that reads or writes the workspace, without holding up the server."""
        is_read = self.request.method in _READING
        return await self._run_in("read" if is_read else "act", partial(function, *args, **kwargs))

    async def run_long(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns that may wait for minutes, for a model or for another process."""
        return await self._run_in("wait", partial(function, *args, **kwargs))

    async def respond(self, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Answer what a function returns. It is written in the thread, too: that may take longer than to find it."""
        self.finish(await self.run(lambda: written(function(*args, **kwargs))))

    async def _run_in(self, lane: str, function: Callable[[], T]) -> T:
        if self._is_gone and self.request.method in _READING:
            raise web.Finish
        work = self._work = threads(lane).submit(function)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            if self._is_gone and work.cancelled():
                raise web.Finish from None
            raise

    def on_connection_close(self) -> None:
        """Read nothing more for somebody who has gone. An action that was asked for is done."""
        self._is_gone = True
        if self._work is not None and self.request.method in _READING:
            self._work.cancel()
        super().on_connection_close()

    def body(self, kind: type[N]) -> N:
        """Return the JSON body as a noun.

        Raises:
            UsageError: it is no JSON object, or has wrong fields; all are listed.
        """
        return read_body(kind, self.request.body)

    def query(self, kind: type[N]) -> N:
        """Return the query as a noun.

        Raises:
            UsageError: it has wrong fields; all are listed.
        """
        return read_query(kind, self.request.query_arguments)

    def answer(self, value: Noun | Mapping[str, object] | None = None, status: int = 200) -> None:
        """End the request with a noun, a mapping with nouns in it, or nothing, which is 204."""
        self.set_status(204 if value is None else status)
        if value is None:
            self.finish()
        else:
            self.finish(written(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error as a `Problem`."""
        _, error, _ = kwargs.get("exc_info") or (None, web.HTTPError(status_code), None)
        self.set_status(status_of(error))
        self.answer({"problem": problem_of(error)}, self.get_status())

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Keep the stack of a clear error, which the answer tells in full, out of the log."""
        if isinstance(value, MlmagicError):
            self.log.debug("mlmagic | %s", value)
        else:
            super().log_exception(typ, value, tb)

    def update_api_activity(self) -> None:
        """Note that somebody works here; a panel that looks by itself is nobody."""
        if self.request.method not in _READING:
            super().update_api_activity()


def _looking(get: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Answer for a workspace that is not there, in place of what would look into it and so make it."""

    @wraps(get)
    async def look(handler: Handler, *args: str, **kwargs: str) -> None:
        if not handler.needs_workspace or has_workspace(handler.session):
            await get(handler, *args, **kwargs)
        elif handler.while_empty is None:
            raise no_workspace(handler.session)
        else:
            handler.answer(handler.while_empty)

    return look


def has_workspace(session: Session) -> bool:
    """Say whether there is a workspace: a server alone makes none, and neither does who only looks."""
    return session.location.database.exists()


def no_workspace(session: Session) -> NotFoundError:
    """Return the error for something in a workspace that is not there."""
    return NotFoundError(
        f"there is no workspace yet: nothing is in {session.location.root}.", hint="The first job makes it."
    )


def plain(value: object) -> Any:
    """Return JSON values: nouns as the codec writes them, numbers that are not finite as it does, too."""
    if isinstance(value, Noun):
        return encode(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def written(value: object) -> bytes:
    """Return a noun, or a mapping with nouns in it, as it is sent."""
    document = plain(value)
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # The name of a file may be no text at all.
        return json.dumps(document, separators=(",", ":")).encode()
