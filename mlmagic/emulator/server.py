"""The HTTP port: every API on one address, each request checked before it is read."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tornado.httputil import HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from mlmagic.emulator.access import Access
from mlmagic.emulator.core import Core
from mlmagic.emulator.errors import ApiError, bad_request, not_found
from mlmagic.emulator.faults import Fault
from mlmagic.emulator.service import Dispatcher
from mlmagic.emulator.token import BadAssertionError
from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.reading import is_raw, read
from mlmagic.emulator.wire.routes import Binding, find

LARGEST_REQUEST = 64 << 20
"""Bytes; objects are no requests in this sense, and may be larger."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What handlers share."""

    core: Core
    access: Access
    dispatcher: Dispatcher
    threads: ThreadPoolExecutor


class Dropped(Exception):  # noqa: N818 - no error of anybody's
    """The connection was closed on purpose, without an answer."""


class Handler(RequestHandler):
    """A handler that lets in who may come in, and answers errors as the APIs do."""

    needs_token = True

    def initialize(self, site: Site) -> None:
        """Take what the handlers share."""
        self.site = site

    def prepare(self) -> None:
        """Check host, origin and token before anything is read."""
        self.prefix = self.site.access.prefix(self.request.uri or "")
        try:
            self.site.access.check_origin(self.request.headers)
            if self.needs_token and not (self.prefix and self.may_come_by_address()):
                self.site.access.check_bearer(self.request.headers.get("Authorization"))
        except ApiError as error:
            self.answer_error(error)
            self.finish()

    def may_come_by_address(self) -> bool:
        """Say whether the token may stand in the address."""
        return False

    @property
    def base(self) -> str:
        """The address by which the client came: `http://HOST`, and the token where it stands in it."""
        return f"http://{self.request.host}{self.prefix}"

    def set_default_headers(self) -> None:
        """Say nothing about what serves."""
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json; charset=UTF-8")

    def answer(self, document: Any, code: int = 200) -> None:
        """Write JSON."""
        self.set_status(code)
        self.write(json.dumps(document))

    def answer_error(self, error: ApiError) -> None:
        """Write an error as the API's clients read it."""
        self.set_status(error.code, reason=error.status)
        self.write(json.dumps(error.to_json()))

    def drop(self) -> None:
        """Close the connection without an answer."""
        connection: Any = self.request.connection
        connection.stream.close()
        raise Dropped

    async def in_thread(self, work: Any, *arguments: Any) -> Any:
        """Do what may take time on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.site.threads, work, *arguments)

    async def before(self, fault: Fault | None) -> None:
        """Do what a fault does before the work."""
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            if fault.drop == "before":
                self.drop()

    def after(self, fault: Fault | None) -> None:
        """Do what a fault does after the work."""
        if fault is not None and fault.drop == "after":
            self.drop()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what no handler has caught."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, ApiError):
            self.answer_error(error)
        elif not isinstance(error, Dropped):
            self.answer({"error": {"code": status_code, "message": str(error), "status": "INTERNAL"}}, status_code)
        self.finish()

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is nobody's intention."""
        if not isinstance(value, ApiError | Dropped):
            _LOG.error("%s %s", self.request.method, self.request.path, exc_info=(typ, value, tb))


class ApiHandler(Handler):
    """All APIs whose addresses stand in `routes.json`."""

    async def _serve(self) -> None:
        found = find(self.request.method or "", self.request.path)
        if found is None:
            raise not_found(f"The address {self.request.path} belongs to no API of this emulator.", "")
        binding, in_path = found
        fault = self.site.core.faults.take(binding.rpc.name)
        await self.before(fault)
        document = await self.in_thread(self._call, binding, in_path, fault)
        self.after(fault)
        self._write(document)

    get = post = put = patch = delete = _serve  # type: ignore[assignment]

    def _call(self, binding: Binding, in_path: dict[str, str], fault: Fault | None) -> Any:
        request = self.request
        query = parse_qsl(request.query, keep_blank_values=True)
        content_type = request.headers.get("Content-Type", "application/json")
        message = read(binding, in_path, query, request.body, content_type)
        answer: Any = self.site.dispatcher.call(binding.rpc, message, fault)
        if binding.rpc.response == "google.api.HttpBody" and is_raw(binding, request.body):
            return answer.content_type, answer.data
        return messages.to_json(answer, enums_as_numbers="enum-encoding=int" in request.query)

    def _write(self, document: Any) -> None:
        if isinstance(document, tuple):
            self.set_header("Content-Type", document[0])
            self.write(document[1])
        else:
            self.answer(document)


class TokenHandler(Handler):
    """Gives the token to who has the key."""

    needs_token = False

    def post(self) -> None:
        """Answer an assertion."""
        try:
            form = dict(parse_qsl(self.request.body.decode("utf-8", "replace")))
            self.answer(self.site.access.account.grant(form))
        except BadAssertionError as error:
            self.answer({"error": "invalid_grant", "error_description": str(error)}, 400)


class HealthHandler(Handler):
    """Says that the emulator answers."""

    def get(self) -> None:
        """Answer."""
        self.answer({"project": self.site.core.project, "region": self.site.core.region})


class FaultsHandler(Handler):
    """Switches failures on and off."""

    def post(self) -> None:
        """Switch one on."""
        try:
            told = json.loads(self.request.body)
        except ValueError:
            raise bad_request("a fault is told in JSON.") from None
        self.site.core.faults.add(told)
        self.answer({})

    def delete(self) -> None:
        """Switch all off."""
        self.site.core.faults.clear()
        self.answer({})


class RequestsHandler(Handler):
    """Tells which requests came."""

    def get(self) -> None:
        """Answer those of an RPC, after a number."""
        found = self.site.core.faults.requests(self.get_argument("rpc", "*"), int(self.get_argument("after", "0")))
        self.answer({"requests": found})


class Front(Router):
    """Takes the token out of the address, so that what is behind knows one address for each thing."""

    def __init__(self, access: Access, application: Application) -> None:
        self._access = access
        self._application = application

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return what serves a request."""
        request.path = request.path.removeprefix(self._access.prefix(request.path)) or "/"
        return self._application.find_handler(request, **kwargs)


def front(site: Site) -> Front:
    """Return what serves the whole port."""
    shared = {"site": site}
    application = Application(
        [
            ("/token", TokenHandler, shared),
            ("/emulator/health", HealthHandler, shared),
            ("/emulator/faults", FaultsHandler, shared),
            ("/emulator/requests", RequestsHandler, shared),
            ("/.*", ApiHandler, shared),
        ],
        log_function=lambda _: None,
        compress_response=False,
    )
    return Front(site.access, application)
