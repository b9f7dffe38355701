"""What the addresses of Cloud Storage share: the store, the token in the address, errors in its own shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from mlmagic.emulator.errors import ApiError, bad_request
from mlmagic.emulator.faults import Fault
from mlmagic.emulator.handler import Handler, Site
from mlmagic.emulator.storage.api import StorageApi, StorageCall, find_method
from mlmagic.emulator.storage.preconditions import NOT_MODIFIED
from mlmagic.emulator.storage.store import ObjectStore
from mlmagic.emulator.storage.uploads import ResumableUploads

_REASONS = {
    304: "notModified",
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    412: "conditionNotMet",
    416: "requestedRangeNotSatisfiable",
    429: "rateLimitExceeded",
    503: "backendError",
    507: "insufficientStorage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The parts of Cloud Storage."""

    store: ObjectStore
    api: StorageApi
    uploads: ResumableUploads


class StorageHandler(Handler):
    """A handler of Cloud Storage."""

    fault: Fault | None = None

    def initialize(self, site: Site, storage: Storage) -> None:  # type: ignore[override]
        """Take what the handlers share."""
        super().initialize(site)
        self.storage = storage

    async def prepare(self) -> None:
        """Check who asks."""
        await super().prepare()
        self.query = dict(parse_qsl(self.request.query, keep_blank_values=True))

    def may_come_by_address(self) -> bool:
        """Clients of storage send no credentials to an emulator."""
        return True

    def answer_error(self, error: ApiError) -> None:
        """Write an error as Cloud Storage does."""
        self.set_status(error.code, reason=error.status)
        if error.code != NOT_MODIFIED:
            self.write(json.dumps(error_document(error)))

    def call_of(self, verb: str, path: str, body: bytes) -> StorageCall:
        """Return what a request below `/storage/v1` asks for.

        Raises:
            ApiError: NOT_FOUND of an address that the API does not have.
        """
        return storage_call(verb, path, self.request.query, body, self.base)


def storage_call(verb: str, path: str, query: str, body: bytes, base: str) -> StorageCall:
    """Return what a request below `/storage/v1` asks for.

    Raises:
        ApiError: NOT_FOUND of an address that the API does not have; a body that is no JSON object.
    """
    found = find_method(verb, path)
    if found is None:
        raise ApiError(status="NOT_FOUND", message=f"mlmagic's emulator of storage has no {verb} {path}")
    try:
        document = json.loads(body) if body.strip() else {}
    except ValueError:
        raise bad_request("Parse Error") from None
    if not isinstance(document, dict):
        raise bad_request("Parse Error")
    method, places = found
    pairs = parse_qsl(query, keep_blank_values=True)
    permissions = tuple(value for name, value in pairs if name == "permissions")
    return StorageCall(method=method, **places, query=dict(pairs), permissions=permissions, body=document, base=base)


def error_document(error: ApiError) -> dict[str, Any]:
    """Return an error as Cloud Storage tells it."""
    reason = {"message": error.message, "domain": "global", "reason": _REASONS.get(error.code, "internalError")}
    return {"error": {"code": error.code, "message": error.message, "errors": [reason]}}
