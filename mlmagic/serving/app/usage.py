"""`GET /`: how this endpoint is asked, in a few lines of text."""

from __future__ import annotations

import json

from mlmagic.serving.app.deployed import Table
from mlmagic.serving.app.schemas import example_instance
from mlmagic.serving.problems import describe_inputs


def usage(table: Table, *, needs_token: bool) -> str:
    """Return what a reader with curl needs."""
    shares = ", ".join(f"{table.model}@{number} {table.traffic.get(number, 0)} %" for number in sorted(table.versions))
    header = " -H 'Authorization: Bearer TOKEN'" if needs_token else ""
    body = json.dumps({"instances": [example_instance(table.signature)]}).replace("'", "'\\''")
    return f"""endpoint {table.endpoint}: {shares}
It takes {describe_inputs(table.signature)}.

curl{header} -d '{body}' http://ADDRESS/v1/models/{table.model}:predict

/v1/models/{table.model}[/versions/V|/labels/L]:predict        as TensorFlow Serving; also :classify and :regress
/v1/models/{table.model}[/versions/V|/labels/L][/metadata]     status, signatures
/v1/projects/P/locations/L/endpoints/{table.endpoint}:predict  as Vertex AI
/openapi.json   /metrics (Prometheus)   /healthz   /readyz
The header x-mlmagic-key: ANYTHING gets the same version for the same key; each reply names its version in
x-mlmagic-version.
"""
