"""The HTTP port: every API on one address, each request checked before it is read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from tornado.httputil import HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application

from mlmagic.emulator.access import Access
from mlmagic.emulator.errors import bad_request, not_found
from mlmagic.emulator.faults import Fault
from mlmagic.emulator.handler import Handler, Site
from mlmagic.emulator.permissions import PermissionsHandler
from mlmagic.emulator.storage.batch_handler import BatchHandler
from mlmagic.emulator.storage.handler import Storage
from mlmagic.emulator.storage.object_handler import ObjectHandler
from mlmagic.emulator.storage.upload_handler import UploadHandler
from mlmagic.emulator.token import BadAssertionError
from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.reading import is_raw, read
from mlmagic.emulator.wire.routes import Binding, find

LARGEST_REQUEST = 64 << 20
"""Bytes; objects are no requests in this sense, and may be larger."""


class ApiHandler(Handler):
    """All APIs whose addresses stand in `routes.json`."""

    async def _serve(self) -> None:
        found = find(self.request.method or "", self.request.path)
        if found is None:
            raise not_found(f"The address {self.request.path} belongs to no API of this emulator.", "")
        binding, in_path = found
        fault = self.site.core.faults.take(binding.rpc.name)
        await self.before(fault)
        try:
            document = await self.in_thread(self._call, binding, in_path, fault)
        finally:
            self.after(fault)
        self._write(document)

    get = post = put = patch = delete = _serve

    def _call(self, binding: Binding, in_path: dict[str, str], fault: Fault | None) -> Any:
        request = self.request
        query = parse_qsl(request.query, keep_blank_values=True)
        content_type = request.headers.get("Content-Type", "application/json")
        message = read(binding, in_path, query, request.body, content_type)
        headers: dict[str, str] = {}
        answer: Any = self.site.dispatcher.call(binding.rpc, message, fault, headers)
        if binding.rpc.response == "google.api.HttpBody" and is_raw(binding, request.body):
            return {**headers, "Content-Type": answer.content_type}, answer.data
        return messages.to_json(answer, enums_as_numbers="enum-encoding=int" in request.query)

    def _write(self, document: Any) -> None:
        if isinstance(document, tuple):
            for name, value in document[0].items():
                self.set_header(name, value)
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
    """Switches failures and quotas on and off."""

    def get(self) -> None:
        """Tell what is switched on."""
        self.answer(self.site.core.faults.told)

    def post(self) -> None:
        """Switch one on."""
        try:
            told = json.loads(self.request.body)
        except ValueError:
            raise bad_request("a fault is told in JSON.") from None
        if not isinstance(told, dict):
            raise bad_request("a fault is an object of JSON.")
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


def front(site: Site, storage: Storage) -> Front:
    """Return what serves the whole port."""
    shared = {"site": site}
    stored = {"site": site, "storage": storage}
    application = Application(
        [
            ("/token", TokenHandler, shared),
            ("/emulator/health", HealthHandler, shared),
            ("/emulator/faults", FaultsHandler, shared),
            ("/emulator/requests", RequestsHandler, shared),
            (r"/(?:upload|resumable/upload)/storage/v1/b/([^/]+)/o", UploadHandler, stored),
            (r"(?:/download)?/storage/v1/.*", ObjectHandler, stored),
            ("/batch/storage/v1", BatchHandler, stored),
            (r"/v[13]/projects/([^/:]+):testIamPermissions", PermissionsHandler, shared),
            ("/.*", ApiHandler, shared),
        ],
        log_function=lambda _: None,
        compress_response=False,
    )
    return Front(site.access, application)
