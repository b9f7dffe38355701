"""The batch predictions of Vertex AI's JobService: each a program of the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlmagic.emulator.batch.checks import check_job
from mlmagic.emulator.batch.request import (
    PROGRESS,
    BatchRequest,
    InstancesFormat,
    PredictionsFormat,
    Progress,
)
from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.endpoints.deployment import require_served
from mlmagic.emulator.errors import ApiError, failed_precondition, not_found
from mlmagic.emulator.listing import list_page
from mlmagic.emulator.models.artifacts import Artifacts, folder_of
from mlmagic.emulator.models.names import engine_name, split_name
from mlmagic.emulator.models.registry import find_version
from mlmagic.emulator.programs import Programs, why_failed
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.job import JobRecord, JobState

KIND = "batch_prediction_job"
MODULE = "mlmagic.emulator.batch.program"
_V1 = "google.cloud.aiplatform.v1."
_STARTED = frozenset({JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED})
_INVALID, _INTERNAL, _CANCELLED = 3, 13, 1
_FINAL = frozenset({"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"})


class BatchPredictionJobService:
    """Batch predictions: documents, and programs that work while the emulator lives or not."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core
        self._artifacts = Artifacts.of(core)
        self._programs = Programs.of(core)

    def resume(self) -> None:
        """Start what an emulator that was killed had only written down."""
        for document in self._core.documents.list(KIND):
            # One that cannot be started now is tried again when it is asked for.
            with contextlib.suppress(ApiError):
                self._refreshed(document)

    def create_batch_prediction_job(self, call: Call) -> Document:
        """Write a job down, and start its program."""
        job = call.request.get("batch_prediction_job", {})
        check_job(job)
        model, version, number = self._find_model(job["model"])
        job_id, time = self._core.documents.next_id(), now()
        prefix = job["output_config"]["gcs_destination"]["output_uri_prefix"]
        folder_of(self._core.buckets, prefix, "batch_prediction_job.output_config.gcs_destination.output_uri_prefix")
        output = f"{prefix.rstrip('/')}/{_folder_name(model['display_name'], time)}"
        document = {
            **job,
            "name": f"{call.request['parent']}/batchPredictionJobs/{job_id}",
            "model": model["name"],
            "model_version_id": version,
            "state": "JOB_STATE_QUEUED",
            "create_time": time,
            "update_time": time,
            "output_info": {"gcs_output_directory": output},
        }
        label = f"{model['display_name']}@{version}"
        request = self._request(document, engine_name(model["name"]), number, label)
        self._programs.write(_program(document["name"]), dumps(request))
        self._core.documents.put(document["name"], KIND, document)
        return self._refreshed(document)

    def get_batch_prediction_job(self, call: Call) -> Document:
        """Return a job as it is now."""
        return self._refreshed(self._core.documents.get(call.request["name"]))

    def list_batch_prediction_jobs(self, call: Call) -> dict[str, Any]:
        """Return a page of jobs, the newest first."""
        found = [self._refreshed(each) for each in self._core.documents.list(KIND, call.request["parent"])]
        return list_page(found, call.request, "batch_prediction_jobs")

    def cancel_batch_prediction_job(self, call: Call) -> dict[str, Any]:
        """Ask a job to end. What it has written stays."""
        document = self._refreshed(self._core.documents.get(call.request["name"]))
        if document["state"] not in _FINAL:
            self._programs.cancel(_program(document["name"]))
        return {}

    def delete_batch_prediction_job(self, call: Call) -> Document:
        """Delete a job that has ended. What it has written stays."""
        document = self._refreshed(self._core.documents.get(call.request["name"]))
        if document["state"] not in _FINAL:
            raise failed_precondition(
                f"The BatchPredictionJob {document['name']} is in state {document['state']}: cancel it first."
            )
        self._core.documents.delete(document["name"])
        self._programs.delete(_program(document["name"]))
        return self._core.operations.finished(
            call.parent, {}, "google.protobuf.Empty", metadata_type=f"{_V1}DeleteOperationMetadata"
        )

    def _find_model(self, reference: str) -> tuple[Document, str, int]:
        name, wanted = split_name(reference, "batch_prediction_job.model")
        document = self._core.documents.find(name)
        if document is None:
            raise not_found(name, "Model")
        version = find_version(document, wanted)
        own = document["versions"][version]
        require_served(f"{name}@{version}", own["container_spec"])
        return document, version, own["engine_version"]

    def _request(self, job: Mapping[str, Any], model: str, number: int, label: str) -> BatchRequest:
        instances = job.get("instance_config", {})
        output = job["output_info"]["gcs_output_directory"]
        return BatchRequest(
            artifact=str(self._artifacts.path(model, number)),
            label=label,
            signature=self._artifacts.signature(model, number),
            sources=tuple(job["input_config"]["gcs_source"]["uris"]),
            buckets=str(self._core.buckets),
            output=str(folder_of(self._core.buckets, output, "output_config")),
            instances_format=InstancesFormat(job["input_config"]["instances_format"]),
            predictions_format=PredictionsFormat(job["output_config"]["predictions_format"]),
            instance_type=instances.get("instance_type") or None,
            key_field=instances.get("key_field") or None,
            included_fields=tuple(instances.get("included_fields", ())),
            excluded_fields=tuple(instances.get("excluded_fields", ())),
            parameters=job.get("model_parameters") or None,
            batch_size=int(job.get("manual_batch_tuning_parameters", {}).get("batch_size", 0)) or 64,
        )

    def _refreshed(self, document: Document) -> Document:
        """Return the document with what is true now; its program is started if nobody has."""
        if document["state"] in _FINAL:
            return document
        name = document["name"]
        record = self._programs.ensure(_program(name), MODULE)
        told = _told(record, self._programs.folder(_program(name)))
        if all(document.get(field) == value for field, value in told.items()):
            return document

        def change(found: Document) -> Document:
            # Who looked earlier may come later.
            return found if found["state"] in _FINAL else {**found, **told, "update_time": now()}

        return self._core.documents.update(name, change)


def _told(record: JobRecord, folder: Path) -> Document:
    """Return the fields of a job that its program decides."""
    state = JobState.FAILED if record.state is JobState.LOST else record.state
    told: Document = {"state": f"JOB_STATE_{state}"}
    if record.start_time is not None and state in _STARTED:
        told["start_time"] = _time(record.start_time)
    if not state.is_final:
        return told
    progress = _progress(folder)
    told |= {
        "end_time": _time(record.end_time or record.update_time),
        "completion_stats": {
            "successful_count": str(progress.successful),
            "failed_count": str(progress.failed),
            # How much was left, nobody has counted.
            "incomplete_count": "0" if state is JobState.SUCCEEDED else "-1",
        },
        "partial_failures": [{"code": _INVALID, "message": message} for message in progress.failures],
    }
    if state is JobState.FAILED:
        told["error"] = {"code": _INTERNAL if record.error is None else _INVALID, "message": why_failed(record)}
    elif state is JobState.CANCELLED:
        told["error"] = {"code": _CANCELLED, "message": "CANCELED"}
    return told


def _progress(folder: Path) -> Progress:
    try:
        return loads(Progress, (folder / PROGRESS).read_bytes())
    except (OSError, DecodeError):
        return Progress()


def _program(name: str) -> str:
    return f"batch-{name.rpartition('/')[2]}"


def _folder_name(model: str, time: str) -> str:
    moment = datetime.fromisoformat(time)
    return f"prediction-{model.replace('/', '_')}-{moment:%Y_%m_%dT%H_%M_%S}_{moment.microsecond // 1000:03}Z"


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
