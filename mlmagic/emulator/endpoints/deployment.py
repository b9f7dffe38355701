"""What a client wants to deploy: checked, and written down as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlmagic.backends.google.images import Purpose, known_image
from mlmagic.backends.google.machines import MACHINES
from mlmagic.emulator.errors import ApiError, invalid

_DEDICATED = "deployed_model.dedicated_resources"
_FIELDS = ("dedicated_resources", "automatic_resources")


def resources_of(deployed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the dedicated or automatic resources of a DeployedModel, checked.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    found = [field for field in _FIELDS if field in deployed]
    if len(found) != 1:
        raise invalid(
            "deployed_model.prediction_resources",
            "Exactly one of deployed_model.dedicated_resources and deployed_model.automatic_resources must be set.",
        )
    resources: Mapping[str, Any] = deployed[found[0]]
    least, most = int(resources.get("min_replica_count", 0)), int(resources.get("max_replica_count", 0))
    if found == ["dedicated_resources"]:
        _check_machine(resources.get("machine_spec", {}))
        if least < 1:
            raise invalid(f"{_DEDICATED}.min_replica_count", "min_replica_count must be at least 1.")
    if most and most < least:
        raise invalid(
            f"deployed_model.{found[0]}.max_replica_count",
            f"max_replica_count ({most}) must not be less than min_replica_count ({least}).",
        )
    return resources


def require_served(model: str, container: Mapping[str, Any]) -> None:
    """Check that the emulator can play the model's container.

    Raises:
        ApiError: UNIMPLEMENTED.
    """
    uri = container.get("image_uri", "")
    image = known_image(uri)
    if image is None or image.purpose is not Purpose.PREDICTION:
        raise ApiError(
            status="UNIMPLEMENTED",
            message=f"mlmagic's emulator cannot run the container {uri} of {model}: it runs no containers, and plays "
            "Vertex AI's prebuilt prediction images of TensorFlow 2 alone, such as "
            "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest.",
        )


def _check_machine(spec: Mapping[str, Any]) -> None:
    machine = spec.get("machine_type", "")
    field = f"{_DEDICATED}.machine_spec.machine_type"
    if not machine:
        raise invalid(field, f"Required field {field} is not set.")
    if machine not in MACHINES:
        raise invalid(field, f"Machine type {machine!r} is not supported.")
