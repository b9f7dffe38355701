"""What a client wants predicted, checked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from mlmagic.backends.google.machines import MACHINES
from mlmagic.emulator.batch.request import InstancesFormat, PredictionsFormat
from mlmagic.emulator.errors import ApiError, invalid

_ELSEWHERE = frozenset({"bigquery", "file-list"})
"""Formats that the real service has beside ours."""


def check_job(job: Mapping[str, Any]) -> None:
    """Check a BatchPredictionJob.

    Raises:
        ApiError: INVALID_ARGUMENT, or UNIMPLEMENTED.
    """
    for field in ("display_name", "input_config", "output_config"):
        if not job.get(field):
            raise _missing(field)
    if len(job["display_name"]) > 128:
        raise invalid("batch_prediction_job.display_name", "display_name has more than 128 characters.")
    if "unmanaged_container_model" in job or job.get("generate_explanation"):
        raise _unimplemented("unmanaged_container_model and generate_explanation")
    if not job.get("model"):
        raise _missing("model")
    _check_input(job["input_config"])
    _check_output(job["output_config"])
    _check_instances(job.get("instance_config", {}))
    machine = job.get("dedicated_resources", {}).get("machine_spec", {}).get("machine_type")
    if not machine:
        raise _missing("dedicated_resources.machine_spec.machine_type")
    if machine not in MACHINES:
        field = "batch_prediction_job.dedicated_resources.machine_spec.machine_type"
        raise invalid(field, f"Machine type {machine!r} is not supported.")


def _check_input(config: Mapping[str, Any]) -> None:
    if "gcs_source" not in config and len(config.keys() - {"instances_format"}):
        raise _unimplemented("sources of instances but gcs_source")
    _check_format("input_config.instances_format", config.get("instances_format", ""), InstancesFormat)
    uris = config.get("gcs_source", {}).get("uris", ())
    if not uris:
        raise _missing("input_config.gcs_source.uris")
    if wrong := [uri for uri in uris if not uri.startswith("gs://") or not uri[5:].partition("/")[2]]:
        raise invalid(
            "batch_prediction_job.input_config.gcs_source.uris", f"Invalid Cloud Storage URIs: {', '.join(wrong)}."
        )


def _check_output(config: Mapping[str, Any]) -> None:
    if "gcs_destination" not in config and len(config.keys() - {"predictions_format"}):
        raise _unimplemented("destinations of predictions but gcs_destination")
    _check_format("output_config.predictions_format", config.get("predictions_format", ""), PredictionsFormat)
    if not config.get("gcs_destination", {}).get("output_uri_prefix"):
        raise _missing("output_config.gcs_destination.output_uri_prefix")


def _check_instances(config: Mapping[str, Any]) -> None:
    if config.get("included_fields") and config.get("excluded_fields"):
        raise invalid(
            "batch_prediction_job.instance_config", "Only one of included_fields and excluded_fields may be set."
        )
    if config.get("instance_type", "") not in {"", "object", "array"}:
        raise invalid(
            "batch_prediction_job.instance_config.instance_type",
            f"Invalid instance_type {config['instance_type']!r}: supported are object and array.",
        )


def _check_format(field: str, given: str, known: type[StrEnum]) -> None:
    if not given:
        raise _missing(field)
    if given in _ELSEWHERE:
        raise _unimplemented(f"{given} as {field}")
    if given not in {each.value for each in known}:
        told = ", ".join(known)
        raise invalid(f"batch_prediction_job.{field}", f"Invalid {field} {given!r}: supported are {told}.")


def _missing(field: str) -> ApiError:
    return invalid(f"batch_prediction_job.{field}", f"Required field batch_prediction_job.{field} is not set.")


def _unimplemented(what: str) -> ApiError:
    return ApiError(status="UNIMPLEMENTED", message=f"mlmagic's emulator does not implement {what}.")
