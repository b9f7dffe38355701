"""What Vertex AI's REST API tells about an endpoint."""

from __future__ import annotations

from typing import Any

from mlmagic.serving.app.deployed import Table
from mlmagic.serving.app.failures import RequestFailed


def check_endpoint(table: Table, endpoint: str) -> None:
    """Check that a path is about the endpoint that is served here.

    Raises:
        RequestFailed: it is not; says which one is.
    """
    if endpoint != table.endpoint:
        raise RequestFailed(404, f'there is no endpoint "{endpoint:.100}" here: this is {table.endpoint}')


def resource(table: Table, place: str) -> dict[str, Any]:
    """Return the endpoint as Vertex AI describes one, in a place such as `projects/p/locations/l`."""
    return {
        "name": f"{place}/endpoints/{table.endpoint}",
        "displayName": table.endpoint,
        "deployedModels": [
            {
                "id": str(number),
                "model": f"{place}/models/{table.model}",
                "displayName": table.model,
                "modelVersionId": str(number),
            }
            for number in sorted(table.versions)
        ],
        "trafficSplit": {str(number): table.traffic.get(number, 0) for number in sorted(table.versions)},
    }
