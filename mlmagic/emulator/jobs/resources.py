"""Resources of the API behind which there is a job of the engine, whatever kind they are.

The document is written first and the engine's job second, and how far that is, is read off the engine: so an emulator
that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.engine import Engine, Work
from mlmagic.emulator.errors import ApiError, failed_precondition
from mlmagic.emulator.faults import STARTING
from mlmagic.emulator.jobs.quotas import KINDS, require_quota
from mlmagic.emulator.jobs.states import FINAL_STATES, progress
from mlmagic.emulator.listing import list_page
from mlmagic.spec.job import JobRecord

_OWN = "_start_delay_seconds"
"""What a document has of the emulator's own, and no answer."""
_ORDER = ("JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_CANCELLING")
_DELETED = "google.cloud.aiplatform.v1.DeleteOperationMetadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of resource."""

    noun: str
    """`CustomJob`."""
    collection: str
    """`customJobs`, as names have it."""
    fields: tuple[str, ...]
    """What a client may give."""


class JobResources:
    """The resources of one kind.

    `work` says what the engine is to run for one; `details` what there is to tell beside the progress, given the
    engine's record.
    """

    def __init__(
        self,
        core: Core,
        engine: Engine,
        kind: Kind,
        *,
        work: Callable[[Document, float], Work],
        details: Callable[[Document, JobRecord], Document] = lambda _document, _record: {},
    ) -> None:
        self._core = core
        self._engine = engine
        self._kind = kind
        self._work = work
        self._details = details

    def create(self, call: Call, given: Mapping[str, Any]) -> Document:
        """Write a new resource down, start its job, and return it.

        Raises:
            ApiError: the engine refuses the job. Whatever is raised, nothing of the resource is left.
        """
        require_quota(given, self._core.faults, self._unfinished())
        name = f"{call.parent}/{self._kind.collection}/{self._core.documents.next_id()}"
        time = now()
        document: Document = {field: given[field] for field in self._kind.fields if field in given}
        document |= {"name": name, "state": "JOB_STATE_QUEUED", "create_time": time, "update_time": time}
        # A persistent resource has its machines already.
        fault = None if _is_persistent(given) else self._core.faults.take(STARTING)
        document[_OWN] = 0.0 if fault is None else fault.delay_seconds
        self._core.documents.put(name, self._kind.noun, document)
        try:
            self._start(document)
        except BaseException:
            self._core.documents.delete(name)
            raise
        return _shown(document)

    def resume(self) -> None:
        """Start what an emulator that was killed has only written down."""
        for document in self._core.documents.list(self._kind.noun):
            if document["state"] not in FINAL_STATES:
                try:
                    self._start(document)
                except ApiError as error:
                    self._fail(document, error)

    def get(self, name: str) -> Document:
        """Return a resource as it is now.

        Raises:
            ApiError: NOT_FOUND.
        """
        return _shown(self._refreshed(self._core.documents.get(name)))

    def list(self, call: Call, field: str) -> dict[str, Any]:
        """Return a page of the resources below the call's parent."""
        found = self._core.documents.list(self._kind.noun, call.parent)
        return list_page((_shown(self._refreshed(document)) for document in found), call.request, field)

    def cancel(self, name: str) -> dict[str, Any]:
        """Ask a job to end. Unverified: that one which has ended is left alone without a word."""
        document = self._refreshed(self._core.documents.get(name))
        if document["state"] not in FINAL_STATES:
            self._engine.cancel(engine_name(document))
            self._refreshed(document)
        return {}

    def delete(self, name: str) -> Document:
        """Forget a job that has ended, and return the operation. Unverified: the words for one that has not.

        Raises:
            ApiError: NOT_FOUND; or FAILED_PRECONDITION, it has not ended.
        """
        document = self._refreshed(self._core.documents.get(name))
        if document["state"] not in FINAL_STATES:
            noun, state = self._kind.noun, document["state"]
            raise failed_precondition(
                f'The {noun} "{name}" is in state {state} and cannot be deleted. Cancel it first.'
            )
        self._engine.delete(engine_name(document))
        self._core.documents.delete(name)
        parent = name.rsplit("/", 2)[0]
        return self._core.operations.finished(parent, {}, "google.protobuf.Empty", metadata_type=_DELETED)

    def _start(self, document: Document) -> None:
        self._engine.start(self._work(document, document[_OWN]))

    def _fail(self, document: Document, error: ApiError) -> None:
        time = now()
        fields = {"state": "JOB_STATE_FAILED", "error": error.to_status(), "end_time": time, "update_time": time}
        self._core.documents.update(document["name"], lambda found: _merged(found, fields))

    def _unfinished(self) -> Iterator[Document]:
        """Yield what takes machines now, of all kinds."""
        for kind in KINDS:
            for document in self._core.documents.list(kind):
                record = None if document["state"] in FINAL_STATES else self._engine.find(engine_name(document))
                if record is not None and not record.state.is_final:
                    yield document

    def _refreshed(self, document: Document) -> Document:
        if document["state"] in FINAL_STATES:
            return document
        record = self._engine.find(engine_name(document))
        if record is None:
            return document
        fields = progress(
            record,
            now=datetime.now(UTC),
            start_delay_seconds=document[_OWN],
            was_preempted=self._engine.was_preempted(record),
        ) | self._details(document, record)
        if _merged(document, fields) == document:
            return document
        return self._core.documents.update(document["name"], lambda found: _merged(found, fields))


def engine_name(document: Mapping[str, Any]) -> str:
    """Return what the engine calls the job of a resource."""
    return "-".join(document["name"].rsplit("/", 2)[1:])


def job_number(document: Mapping[str, Any]) -> str:
    """Return the number at the end of a resource's name."""
    return str(document["name"].rsplit("/", 1)[1])


def _merged(document: Document, fields: Document) -> Document:
    """Return the document with what is told now, unless it was told more already by somebody who looked later."""
    if _rank(document["state"]) > _rank(fields["state"]):
        return document
    return document | fields


def _is_persistent(given: Mapping[str, Any]) -> bool:
    spec = given.get("job_spec") or given.get("trial_job_spec") or {}
    return bool(spec.get("persistent_resource_id"))


def _rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def _shown(document: Document) -> Document:
    return {key: value for key, value in document.items() if not key.startswith("_")}
