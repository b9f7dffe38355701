"""Predictions of an endpoint of Vertex AI, here its emulator's: REST's `predict` against `rawPredict` over gRPC.

Both give the same rows to the same model, x + 1 in TensorFlow, which is the floor. What REST costs more is that each
number becomes a message, here and back; the emulator does that in Python, Google does not. What is the same there is
that REST makes a connection for each call, and gRPC keeps its own.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measure import interleaved, print_table, timed

# The model, and the emulator that serves it, are those of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

COUNTS = (1, 100, 5_000)
ROUNDS = 15
ENDPOINT = "adder"


def main() -> None:
    from support.cloud_endpoints import Cloud, cloud_session

    from mlmagic.api.deployment import deploy
    from mlmagic.backends.google.client import GoogleClient
    from mlmagic.backends.google.settings import emulator_settings

    with tempfile.TemporaryDirectory() as folder, cloud_session(Path(folder)) as session:
        deploy("sums@1", endpoint=ENDPOINT, session=session)
        remote = Cloud(session).endpoints(ENDPOINT)[0]["name"]
        settings = emulator_settings(session.workspace.emulator)
        raw = GoogleClient(settings).prediction
        rest = GoogleClient(dataclasses.replace(settings, rpc_endpoint=None)).prediction
        server = _server(session.workspace.emulator / "engine")
        for count in COUNTS:
            body = json.dumps({"instances": [{"x": number / 7} for number in range(count)]}).encode()
            calls: dict[str, Callable[[], object]] = {
                "REST, predict": partial(rest.predict, remote, body),
                "gRPC, rawPredict": partial(raw.predict, remote, body),
                "the model's server alone": partial(server, body),
            }
            for call in calls.values():
                call()  # connects
            samples = interleaved({name: partial(timed, call) for name, call in calls.items()}, rounds=ROUNDS)
            print_table(f"{count:,} instances, {len(body):,} bytes", samples, goal="gRPC below REST")
        raw.close()


def _server(root: Path) -> Callable[[bytes], object]:
    """Return what asks the process that serves the deployed model, past the emulator."""
    from mlmagic.serving.endpoints import LocalEndpoints
    from mlmagic.workspace.discovery import open_workspace
    from mlmagic.workspace.layout import Workspace

    endpoints = LocalEndpoints(open_workspace(Workspace(root)))
    name = endpoints.list()[0].spec.name
    path = f"/v1/projects/p/locations/l/endpoints/{name}:predict"
    return partial(endpoints.client(name).request, "POST", path)


if __name__ == "__main__":
    main()
