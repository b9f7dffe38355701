"""A job that a client wants to run, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlmagic.emulator.errors import ApiError, invalid

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?", re.ASCII)


def check_job(job: Mapping[str, Any]) -> None:
    """Check a job.

    Raises:
        ApiError: INVALID_ARGUMENT, or UNIMPLEMENTED.
    """
    name = job.get("name", "")
    if not _NAME.fullmatch(name):
        raise invalid(
            "job.name",
            f"The workflow could not be created. Causes: the job name {name!r} is invalid: it matches "
            "[a-z]([-a-z0-9]{0,1022}[a-z0-9])?.",
        )
    if not pipeline_url(job):
        raise invalid(
            "job.environment.sdk_pipeline_options",
            "The workflow could not be created. Causes: sdkPipelineOptions.options has no pipelineUrl: jobs are "
            "submitted by Beam's SDK, as portable pipelines.",
        )
    if job.get("replace_job_id") or job.get("transform_name_mapping"):
        raise _unimplemented("updates of jobs that run (--update)")
    version = job.get("environment", {}).get("version", {})
    if "STREAMING" in f"{job.get('type_', '')} {version.get('job_type', '')}":
        raise _unimplemented("streaming jobs")


def pipeline_options(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that Beam's SDK has written into a job."""
    options: dict[str, Any] = job.get("environment", {}).get("sdk_pipeline_options", {}).get("options", {})
    return options


def pipeline_url(job: Mapping[str, Any]) -> str:
    """Return where the pipeline was staged; an empty text if it was not."""
    return str(pipeline_options(job).get("pipelineUrl", ""))


def _unimplemented(what: str) -> ApiError:
    return ApiError(status="UNIMPLEMENTED", message=f"mlmagic's emulator does not implement {what}.")
