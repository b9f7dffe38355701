"""The line that lets an endpoint keep its requests."""

from __future__ import annotations

from mlmagic.api.traffic import WHOLE
from mlmagic.spec.endpoint import EndpointSpec


def log_line(spec: EndpointSpec, share: str) -> str:
    """Return what to type so that a share of the requests is kept, and the same versions answer as before."""
    return f"%deploy {_served(spec)} --log-sample {share}"


def _served(spec: EndpointSpec) -> str:
    if spec.follows is not None:
        alias = "" if spec.follows == "default" else f"@{spec.follows}"
        return f"{spec.model}{alias} --endpoint {spec.name}"
    most = max(spec.deployed, key=lambda version: version.traffic)
    traffic = f" --traffic {most.traffic}" if most.traffic < WHOLE else ""
    return f"{spec.model}@{most.number} --endpoint {spec.name}{traffic}"
