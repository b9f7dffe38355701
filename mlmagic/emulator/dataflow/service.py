"""Dataflow's JobsV1Beta3, MessagesV1Beta3 and MetricsV1Beta3: each job a program of the engine."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.dataflow.checks import check_job, pipeline_options, pipeline_url
from mlmagic.emulator.dataflow.messages import IMPORTANCES, Importance, Message, read_messages, say
from mlmagic.emulator.dataflow.request import PipelineFolder, PipelineRequest
from mlmagic.emulator.dataflow.standby import Standby
from mlmagic.emulator.dataflow.states import STATES, TERMINATED
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.errors import ApiError, failed_precondition, invalid, not_found
from mlmagic.emulator.listing import list_page
from mlmagic.emulator.programs import Programs, why_failed
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import JobRecord

KIND = "dataflow_job"
MODULE = "mlmagic.emulator.dataflow.program"
_PARTS = {"JOB_VIEW_SUMMARY": ("environment", "steps")}
"""What is left out of a job, by the view that is asked for."""
_LISTED = ("filter", "order_by")
"""Fields of the request that are none of the usual ones, or mean something else here."""


class DataflowService:
    """Jobs: documents, and programs that run the pipeline while the emulator lives or not."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core
        self._programs = Programs.of(core)
        self._standby = Standby(core.engine_folder)
        self._creating = threading.Lock()
        self._telling = threading.Lock()

    def resume(self) -> None:
        """Start what an emulator that was killed had only written down."""
        for document in self._core.documents.list(KIND):
            # One that cannot be started now is tried again when it is asked for.
            with contextlib.suppress(ApiError):
                self._refreshed(document)

    def close(self) -> None:
        """Let what waits for pipelines end; jobs go on."""
        self._standby.close()

    def create_job(self, call: Call) -> Document:
        """Start a job; while one of that name is active, return that: its client sees whether it is its own.

        Raises:
            ApiError: ALREADY_EXISTS: that cannot be found, because the request has no id; or it is another try of one
                that has ended.
        """
        job = call.request.get("job", {})
        check_job(job)
        with self._creating:
            for other in self._all(call.parent):
                same_request = job.get("client_request_id") and _same(other, job, "client_request_id")
                if not _same(other, job, "name"):
                    continue
                if other["current_state"] not in TERMINATED and job.get("client_request_id"):
                    return _message(other)
                if other["current_state"] not in TERMINATED or same_request:
                    raise _exists(other)
            return _message(self._create(call, job))

    def get_job(self, call: Call) -> Document:
        """Return a job as it is now."""
        return _message(self._find(call), call.request.get("view", ""))

    def update_job(self, call: Call) -> Document:
        """Cancel a job, which is all that can be asked of one that is not a streaming job."""
        document, told = self._find(call), call.request.get("job", {})
        wanted = told.get("requested_state")
        if wanted != "JOB_STATE_CANCELLED":
            if wanted in {"JOB_STATE_DRAINED", "JOB_STATE_DRAINING"}:
                raise failed_precondition("Only streaming jobs can be drained: cancel this one.")
            raise invalid("job.requested_state", f"A job cannot be brought into the state {wanted}.")
        if document["current_state"] in TERMINATED:
            raise failed_precondition(f"The job {document['id']} has ended: {document['current_state']}.")
        folder = self._folder(document)
        say(folder.messages, Importance.BASIC, f"Cancel request is committed for workflow job: {document['id']}.")
        self._programs.cancel(_program(document))
        return _message(self._refreshed(document))

    def list_jobs(self, call: Call) -> dict[str, Any]:
        """Return a page of jobs, the newest first."""
        return self._listed(call, self._all(call.parent))

    def aggregated_list_jobs(self, call: Call) -> dict[str, Any]:
        """Return a page of the jobs of all locations."""
        return self._listed(call, self._all(None))

    def list_job_messages(self, call: Call) -> dict[str, Any]:
        """Return a page of what a job said."""
        document, request = self._find(call), call.request
        least = request.get("minimum_importance", Importance.BASIC)
        if least not in IMPORTANCES:
            least = Importance.BASIC
        begin, end = (_moment(request.get(field)) for field in ("start_time", "end_time"))
        found = [
            {
                "id": f"{each.number:016x}",
                "time": each.time,
                "message_text": each.text,
                "message_importance": each.importance,
            }
            for each in self._messages(document)
            if IMPORTANCES.index(each.importance) >= IMPORTANCES.index(least)
            and (begin is None or (_moment(each.time) or begin) >= begin)
            and (end is None or (_moment(each.time) or end) < end)
        ]
        return list_page(
            found, {key: value for key, value in request.items() if key not in _LISTED}, "job_messages", key="id"
        )

    def get_job_metrics(self, call: Call) -> dict[str, Any]:
        """Return the counters and distributions of a job, as far as it is."""
        folder = self._folder(self._find(call))
        try:
            updates = json.loads(folder.metrics.read_bytes())
        except FileNotFoundError:
            updates = []
        time = now()
        return {"metric_time": time, "metrics": [{**update, "update_time": time} for update in updates]}

    def _create(self, call: Call, job: Document) -> Document:
        number, time = self._core.documents.next_id(), now()
        document = {
            **job,
            "id": f"{datetime.now(UTC):%Y-%m-%d_%H_%M_%S}-{number}",
            "project_id": call.project,
            "location": call.location,
            "type_": "JOB_TYPE_BATCH",
            "current_state": "JOB_STATE_PENDING",
            "current_state_time": time,
            "create_time": time,
        }
        document["resource"] = f"{call.parent}/jobs/{document['id']}"
        options = {name: value for name, value in pipeline_options(job).items() if name != "pipelineUrl"}
        request = PipelineRequest(
            pipeline_url=pipeline_url(job),
            options=options,
            root=str(self._core.root),
            standby=self._standby.socket,
        )
        self._programs.write(_program(document), dumps(request))
        self._core.documents.put(document["resource"], KIND, document)
        return self._refreshed(document)

    def _find(self, call: Call) -> Document:
        job_id = call.request.get("job_id", "")
        document = self._core.documents.find(f"{call.parent}/jobs/{job_id}")
        if document is None:
            raise not_found(f"{job_id} in {call.parent}", "job")
        return self._refreshed(document)

    def _all(self, parent: str | None) -> list[Document]:
        return [self._refreshed(document) for document in self._core.documents.list(KIND, parent)]

    def _listed(self, call: Call, documents: list[Document]) -> dict[str, Any]:
        request, wanted = call.request, call.request.get("filter", "ALL")
        found = [
            _message(document, "JOB_VIEW_SUMMARY")
            for document in documents
            if wanted not in {"TERMINATED", "ACTIVE"}
            or (document["current_state"] in TERMINATED) == (wanted == "TERMINATED")
            if request.get("name") in {None, document["name"]}
        ]
        return list_page(found, {key: value for key, value in request.items() if key not in _LISTED}, "jobs", key="id")

    def _refreshed(self, document: Document) -> Document:
        """Return the document with what is true now; its program is started if nobody has."""
        if document["current_state"] in TERMINATED:
            return document
        record = self._programs.ensure(_program(document), MODULE)
        state = STATES[record.state]
        if state == document["current_state"]:
            return document
        if state == "JOB_STATE_FAILED":
            self._tell_failure(document, record)
        if state in TERMINATED:
            # Where one pipeline was run, the next is not far; and now it takes no processor from the first.
            self._standby.ensure()
        told = {"current_state": state, "current_state_time": now()}
        if record.start_time is not None:
            told["start_time"] = record.start_time.isoformat(timespec="microseconds").replace("+00:00", "Z")

        def change(found: Document) -> Document:
            # Who looked earlier may come later.
            return found if found["current_state"] in TERMINATED else {**found, **told}

        return self._core.documents.update(document["resource"], change)

    def _tell_failure(self, document: Document, record: JobRecord) -> None:
        """Say why a job failed whose process could not: it was killed, or never began."""
        folder = self._folder(document)
        with self._telling:
            if not any(message.importance is Importance.ERROR for message in read_messages(folder.messages)):
                text = f"Workflow failed. Causes: {why_failed(record)}\n{self._programs.log(record)}"
                say(folder.messages, Importance.ERROR, text.rstrip())

    def _messages(self, document: Document) -> list[Message]:
        return read_messages(self._folder(document).messages)

    def _folder(self, document: Document) -> PipelineFolder:
        return PipelineFolder(self._programs.folder(_program(document)))


def _message(document: Document, view: str = "") -> Document:
    """Return the job as it is shown; `resource` is its name among our documents."""
    left_out = {"resource", *_PARTS.get(view, ())}
    return {key: value for key, value in document.items() if key not in left_out}


def _program(document: Document) -> str:
    return f"dataflow-{document['id'].rpartition('-')[2]}"


def _same(one: Document, other: Document, field: str) -> bool:
    return bool(one.get(field) == other.get(field))


def _exists(job: Document) -> ApiError:
    kind = "a" if job["current_state"] in TERMINATED else "an active"
    return ApiError(
        status="ALREADY_EXISTS",
        message=f"The workflow could not be created. Causes: There is already {kind} job named {job['name']}, with the "
        f"id {job['id']}.",
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
