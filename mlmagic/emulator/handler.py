"""What all addresses of the HTTP port share: who is let in, how errors are told, how failures are played."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn

from tornado.web import RequestHandler

from mlmagic.emulator.access import Access
from mlmagic.emulator.core import Core
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.faults import Fault
from mlmagic.emulator.service import Dispatcher

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

    async def prepare(self) -> None:
        """Check host, origin and token before anything is read."""
        self.prefix = self.site.access.prefix(self.request.uri or "")
        try:
            self.site.access.check_origin(self.request.headers)
            if self.needs_token and not (self.prefix and self.may_come_by_address()):
                self.site.access.check_bearer(self.request.headers.get("Authorization"))
        except ApiError as error:
            self.refuse(error)

    def refuse(self, error: ApiError) -> None:
        """Answer before the method is called."""
        self.answer_error(error)
        self.finish()

    def compute_etag(self) -> None:
        """Leave answers whole: what changes says so itself."""

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

    def drop(self) -> NoReturn:
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
