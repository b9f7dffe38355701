"""Google's own clients on the emulator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.emulated_jobs import wait_for

from mlmagic.emulator.launch import Emulator

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


def job_client(emulator: Emulator) -> Any:
    """A JobServiceClient over REST; credentials are those of the environment."""
    from google.cloud import aiplatform_v1

    return aiplatform_v1.JobServiceClient(transport="rest", client_options={"api_endpoint": emulator.url})


def high_level_sdk(emulator: Emulator) -> Any:
    """The SDK, initialised as its users do, but for credentials: it would keep those of an emulator before."""
    import google.auth
    from google.cloud import aiplatform

    # A test of another file may have ended the pool, which all of the process share.
    aiplatform.initializer.global_pool = ThreadPoolExecutor()
    aiplatform.init(
        project=emulator.project,
        location=emulator.region,
        api_endpoint=emulator.url,
        api_transport="rest",
        staging_bucket=f"gs://{emulator.bucket}",
        credentials=google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0],
    )
    return aiplatform


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


def seen_states(job: Any) -> list[str]:
    """The states that a job of the SDK is seen in until it has ended."""
    seen = [word(job)]
    while seen[-1] not in FINAL:
        if (state := wait_for(lambda: word(job), lambda state: state != seen[-1])) != seen[-1]:
            seen.append(state)
    return seen
