"""Long-running operations: what a call begins and its client waits for, as google.longrunning.Operations tells it.

An operation is a document. One that was under way when the process was killed is ended as ABORTED at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from mlmagic.emulator.core import Call
from mlmagic.emulator.documents import Document, DocumentStore, now
from mlmagic.emulator.errors import ApiError, failed_precondition
from mlmagic.emulator.listing import list_page

_KIND = "operation"
_PREFIX = "type.googleapis.com/"
_POLL_SECONDS = 0.05
_LONGEST_WAIT = 30.0
_LOG = logging.getLogger(__name__)


class Operations:
    """Begins operations, and serves google.longrunning.Operations."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self._threads: list[threading.Thread] = []
        self._slowness = threading.local()

    @contextlib.contextmanager
    def slowed(self, seconds: float) -> Iterator[None]:
        """Let what this thread begins in the block take so long at least."""
        self._slowness.seconds = seconds
        try:
            yield
        finally:
            self._slowness.seconds = 0.0

    def finished(
        self, parent: str, response: dict[str, Any], response_type: str, *, metadata_type: str | None = None
    ) -> Document:
        """Return an operation that has succeeded already, unless the emulator was asked to be slow.

        Args:
            parent: below which it is named: `projects/P/locations/R`, or a resource there.
            response: the message that it has led to.
            response_type: the message's full name, such as `google.cloud.aiplatform.v1.Endpoint`.
            metadata_type: the full name of the metadata's message, with the field `generic_metadata`.
        """
        if self._slow_seconds > 0:
            return self.started(parent, response_type, lambda: response, metadata_type=metadata_type)
        document = self._new(parent, metadata_type)
        return self._documents.update(document["name"], lambda found: _succeed(found, response, response_type))

    def started(
        self,
        parent: str,
        response_type: str,
        work: Callable[[], dict[str, Any]],
        *,
        metadata_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Document:
        """Return an operation under way: `work` runs on a thread, and returns the message or raises an `ApiError`."""
        document = self._new(parent, metadata_type, metadata)
        thread = threading.Thread(
            target=self._run, args=(document["name"], response_type, work, self._slow_seconds), daemon=True
        )
        self._threads = [*(alive for alive in self._threads if alive.is_alive()), thread]
        thread.start()
        return document

    def end_interrupted(self) -> None:
        """End what an emulator that was killed has left under way."""
        error = ApiError(status="ABORTED", message="The emulator was ended while this operation was under way.")
        for document in self._documents.list(_KIND):
            if not document.get("done"):
                self._documents.update(document["name"], lambda found: _fail(found, error))

    def get_operation(self, call: Call) -> Document:
        """Return an operation as it is now."""
        return self._documents.get(call.request["name"])

    def list_operations(self, call: Call) -> dict[str, Any]:
        """Return a page of the operations below a resource."""
        found = self._documents.list(_KIND, call.request["name"])
        return list_page(found, call.request, "operations")

    def wait_operation(self, call: Call) -> Document:
        """Return an operation when it is done, or after the time that the request gives."""
        seconds = float(call.request.get("timeout", "30s").removesuffix("s"))
        deadline = time.monotonic() + min(seconds, _LONGEST_WAIT)
        while True:
            document = self._documents.get(call.request["name"])
            if document.get("done") or time.monotonic() >= deadline:
                return document
            time.sleep(_POLL_SECONDS)

    def cancel_operation(self, call: Call) -> dict[str, Any]:
        """Do nothing but answer: no work here can be stopped half-way, and the API promises no more than to try."""
        self._documents.get(call.request["name"])
        return {}

    def delete_operation(self, call: Call) -> dict[str, Any]:
        """Forget an operation that is done."""
        if not self._documents.get(call.request["name"]).get("done"):
            raise failed_precondition("The operation is still running.")
        self._documents.delete(call.request["name"])
        return {}

    @property
    def _slow_seconds(self) -> float:
        return getattr(self._slowness, "seconds", 0.0)

    def _new(self, parent: str, metadata_type: str | None, metadata: dict[str, Any] | None = None) -> Document:
        name = f"{parent}/operations/{self._documents.next_id()}"
        document: Document = {"name": name}
        if metadata_type is not None:
            times = {"create_time": now(), "update_time": now()}
            document["metadata"] = {
                "@type": _PREFIX + metadata_type,
                "generic_metadata": times,
                **(metadata or {}),
            }
        self._documents.put(name, _KIND, document)
        return document

    def _run(self, name: str, response_type: str, work: Callable[[], dict[str, Any]], slow_seconds: float) -> None:
        # Before the work: what an operation makes is there when it is done.
        time.sleep(slow_seconds)
        try:
            response = work()
            error = None
        except ApiError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - what it is stands in the operation, and in the log
            _LOG.exception("operation %s", name)
            error = ApiError(status="INTERNAL", message=f"{type(raised).__name__}: {raised}")
        if error is not None:
            failed = error
            self._documents.update(name, lambda found: _fail(found, failed))
        else:
            self._documents.update(name, lambda found: _succeed(found, response, response_type))


def _succeed(document: Document, response: dict[str, Any], response_type: str) -> Document:
    return _ended(document) | {"response": {"@type": _PREFIX + response_type, **response}}


def _fail(document: Document, error: ApiError) -> Document:
    return _ended(document) | {"error": error.to_status()}


def _ended(document: Document) -> Document:
    if "generic_metadata" in document.get("metadata", {}):
        document["metadata"]["generic_metadata"]["update_time"] = now()
    return document | {"done": True}
