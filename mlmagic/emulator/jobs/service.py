"""Custom jobs: the part of Vertex AI's JobService that runs programs in containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document
from mlmagic.emulator.engine import Engine, Work
from mlmagic.emulator.faults import PREEMPTION
from mlmagic.emulator.jobs.checks import check_job_spec, check_resource, refuse, refuse_unsupported
from mlmagic.emulator.jobs.resources import JobResources, Kind, engine_name
from mlmagic.emulator.jobs.submission import work_of
from mlmagic.emulator.persistent.checks import require_resource

CUSTOM_JOB = Kind(
    noun="CustomJob", collection="customJobs", fields=("display_name", "job_spec", "labels", "encryption_spec")
)


class CustomJobService:
    """The RPCs of custom jobs."""

    def __init__(self, core: Core, engine: Engine) -> None:
        self._core = core
        self._engine = engine
        self._jobs = JobResources(core, engine, CUSTOM_JOB, work=self._work)
        self._begun: dict[str, datetime] = {}
        """When a job got the machine that came after one that was taken away."""

    def resume(self) -> None:
        """Start what an emulator that was killed has only written down."""
        self._jobs.resume()

    def create_custom_job(self, call: Call) -> dict[str, Any]:
        """Start a job."""
        given = call.request.get("custom_job", {})
        refuse([*check_resource(given, "custom_job"), *check_job_spec(given.get("job_spec"), "custom_job.job_spec")])
        refuse_unsupported(given["job_spec"], "job_spec")
        require_resource(given["job_spec"], self._core, call.parent)
        return self._jobs.create(call, given)

    def get_custom_job(self, call: Call) -> dict[str, Any]:
        """Return a job as it is now."""
        document = self._jobs.get(call.request["name"])
        self._preempt([document])
        return document

    def list_custom_jobs(self, call: Call) -> dict[str, Any]:
        """Return a page of jobs, the newest first."""
        page = self._jobs.list(call, "custom_jobs")
        self._preempt(page["custom_jobs"])
        return page

    def cancel_custom_job(self, call: Call) -> dict[str, Any]:
        """Ask a job to end."""
        return self._jobs.cancel(call.request["name"])

    def delete_custom_job(self, call: Call) -> dict[str, Any]:
        """Forget a job that has ended."""
        return self._jobs.delete(call.request["name"])

    def _work(self, document: Document, start_delay_seconds: float) -> Work:
        return work_of(
            document,
            document["job_spec"],
            root=self._core.root,
            start_delay_seconds=start_delay_seconds,
        )

    def _preempt(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Take the machines of running spot jobs away, if a test has asked for it."""
        for document in documents:
            scheduling = document["job_spec"].get("scheduling", {})
            if scheduling.get("strategy") == "SPOT" and document["state"] == "JOB_STATE_RUNNING":
                all_replicas = bool(scheduling.get("restart_job_on_worker_restart"))
                processes = self._engine.preemptible(engine_name(document), all_replicas=all_replicas)
                if processes and self._core.faults.take(PREEMPTION, age=self._age(document)):
                    self._begun[document["name"]] = datetime.now(UTC)
                    self._engine.preempt(processes)

    def _age(self, document: Mapping[str, Any]) -> float:
        """Return for how many seconds a job has had its machine."""
        begun = self._begun.get(document["name"]) or datetime.fromisoformat(document["start_time"])
        return (datetime.now(UTC) - begun).total_seconds()
