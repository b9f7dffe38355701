"""Dataflow's own clients on an emulator."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator


class Dataflow:
    """The clients of one emulator, and what every request of theirs has."""

    def __init__(self, emulator: Emulator) -> None:
        from google.cloud import dataflow_v1beta3 as v1beta3

        where = {"transport": "rest", "client_options": {"api_endpoint": emulator.url}}
        self.place = {"project_id": emulator.project, "location": emulator.region}
        self.bucket = f"gs://{emulator.bucket}"
        self.jobs = v1beta3.JobsV1Beta3Client(**where)
        self.messages = v1beta3.MessagesV1Beta3Client(**where)
        self.metrics = v1beta3.MetricsV1Beta3Client(**where)

    def create(self, name: str, request_id: str = "", url: str = "gs://none/pipeline.pb", **fields: Any) -> Any:
        """Create a job; without more, its pipeline is not there."""
        environment = {"sdk_pipeline_options": {"options": {"pipelineUrl": url}}}
        job = {"name": name, "client_request_id": request_id, "environment": environment, **fields}
        return self.jobs.create_job({**self.place, "job": job})

    def get(self, job: Any) -> Any:
        """The job as it is now."""
        return self.jobs.get_job({**self.place, "job_id": job.id})

    def cancel(self, job: Any) -> Any:
        """Ask a job to end."""
        return self.jobs.update_job({**self.place, "job_id": job.id, "job": {"requested_state": "JOB_STATE_CANCELLED"}})

    def said(self, job: Any, importance: str = "JOB_MESSAGE_BASIC") -> list[str]:
        """What a job said, of at least that importance."""
        request = {**self.place, "job_id": job.id, "minimum_importance": importance}
        return [message.message_text for message in self.messages.list_job_messages(request)]


@pytest.fixture(scope="module")
def dataflow(emulator: Emulator) -> Dataflow:
    """The clients of the module's emulator."""
    return Dataflow(emulator)
