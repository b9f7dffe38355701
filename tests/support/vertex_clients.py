"""Google's own clients on the emulator."""

from __future__ import annotations

from typing import Any

from support.emulated_jobs import wait_for

from mlmagic.emulator.launch import Emulator

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


def job_client(emulator: Emulator) -> Any:
    """A JobServiceClient over REST; credentials are those of the environment."""
    from google.cloud import aiplatform_v1

    return aiplatform_v1.JobServiceClient(transport="rest", client_options={"api_endpoint": emulator.url})


def parent(emulator: Emulator) -> str:
    """Where all resources are."""
    return f"projects/{emulator.project}/locations/{emulator.region}"


def word(job: Any) -> str:
    """A job's state: `RUNNING`."""
    return str(job.state.name.removeprefix("JOB_STATE_"))


def ended(client: Any, name: str) -> Any:
    """Wait for a custom job's end, and return it."""
    return wait_for(lambda: client.get_custom_job(name=name), lambda job: word(job) in FINAL)


def running(client: Any, name: str) -> Any:
    """Wait until a custom job runs, and return it."""
    return wait_for(lambda: client.get_custom_job(name=name), lambda job: word(job) in {"RUNNING", *FINAL})
