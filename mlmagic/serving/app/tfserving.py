"""What TensorFlow Serving's REST API tells about a model: status and metadata."""

from __future__ import annotations

from typing import Any

from mlmagic.errors import nearest
from mlmagic.serving.app.deployed import Table
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.spec.model import TensorSpec

_CODES = {
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "complex64": "DT_COMPLEX64",
    "complex128": "DT_COMPLEX128",
}


def numbers_asked(table: Table, model: str, version: str | None, label: str | None) -> list[int]:
    """Return the versions that a path is about: one, or all, the newest first.

    Raises:
        RequestFailed: there is no such model, version or label; says what there is.
    """
    if model != table.model:
        hint = nearest(model, [table.model]) or None
        raise RequestFailed(
            404, f'there is no model "{model:.100}" here: this endpoint serves {_told(table)}', hint=hint
        )
    if version is not None:
        known = {str(number): number for number in table.versions}
        if version not in known:
            raise RequestFailed(404, f'there is no version "{version:.100}" here: this endpoint serves {_told(table)}')
        return [known[version]]
    if label is not None:
        if label not in table.labels:
            raise RequestFailed(404, f'there is no label "{label:.100}" here: this endpoint serves {_told(table)}')
        return [table.labels[label]]
    return sorted(table.versions, reverse=True)


def status(numbers: list[int]) -> dict[str, Any]:
    """Return the status of versions. What a worker has in its table is loaded."""
    ready = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": str(n), "state": "AVAILABLE", "status": ready} for n in numbers]}


def metadata(table: Table, number: int) -> dict[str, Any]:
    """Return the signatures of a version."""
    signatures = {
        name: {
            "inputs": {tensor.name: _tensor_info(tensor) for tensor in named.signature.inputs},
            "outputs": {tensor.name: _tensor_info(tensor) for tensor in named.signature.outputs},
            "method_name": named.method,
        }
        for name, named in sorted(table.versions[number].signatures.items())
    }
    return {
        "model_spec": {"name": table.model, "signature_name": "", "version": str(number)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensor_info(tensor: TensorSpec) -> dict[str, Any]:
    dimensions = [{"size": "-1" if size is None else str(size), "name": ""} for size in tensor.shape]
    return {
        "dtype": _CODES.get(tensor.dtype, f"DT_{tensor.dtype.upper()}"),
        "tensor_shape": {"dim": dimensions, "unknown_rank": False},
        "name": f"{tensor.name}:0",
    }


def _told(table: Table) -> str:
    versions = ", ".join(map(str, sorted(table.versions)))
    labels = f"; labels {', '.join(table.labels)}" if table.labels else ""
    return f"{table.model} (versions {versions}{labels})"
