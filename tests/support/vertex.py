"""Vertex AI's gapic clients on an emulator, and models in its bucket."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlmagic.emulator.launch import Emulator

IMAGE = "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
MACHINE = {"machine_spec": {"machine_type": "n1-standard-2"}, "min_replica_count": 1}
PATIENCE_SECONDS = 600.0


class Vertex:
    """The clients of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.parent = f"projects/{emulator.project}/locations/{emulator.region}"
        self._made: dict[str, Any] = {}

    def client(self, name: str) -> Any:
        """The client of a service, such as `ModelService`."""
        from google.cloud import aiplatform_v1

        if name not in self._made:
            kind = getattr(aiplatform_v1, f"{name}Client")
            self._made[name] = kind(transport="rest", client_options={"api_endpoint": self.emulator.url})
        return self._made[name]

    def put(self, folder: Path, prefix: str) -> str:
        """Put a folder into the bucket, and return its URI."""
        shutil.copytree(folder, self.emulator.buckets / self.emulator.bucket / prefix, dirs_exist_ok=True)
        return f"gs://{self.emulator.bucket}/{prefix}"

    def upload(self, uri: str, name: str = "taxi", **more: Any) -> Any:
        """Upload a model, or with `parent_model` a version of one."""
        request = {key: more.pop(key) for key in ("parent_model", "model_id") if key in more}
        model = {"display_name": name, "artifact_uri": uri, "container_spec": {"image_uri": IMAGE}, **more}
        call = self.client("ModelService").upload_model({"parent": self.parent, "model": model, **request})
        return call.result(timeout=PATIENCE_SECONDS)

    def endpoint(self, name: str = "rides") -> str:
        """Make an endpoint, and return its name."""
        call = self.client("EndpointService").create_endpoint(parent=self.parent, endpoint={"display_name": name})
        return str(call.result(timeout=PATIENCE_SECONDS).name)

    def deploy(self, endpoint: str, model: str, **split: int) -> Any:
        """Deploy a model; `new` is its share of the traffic, `_ID` that of another."""
        shares = {"0" if key == "new" else key.removeprefix("_"): share for key, share in split.items()}
        call = self.client("EndpointService").deploy_model(
            endpoint=endpoint,
            deployed_model={"model": model, "dedicated_resources": MACHINE},
            traffic_split=shares,
        )
        return call.result(timeout=PATIENCE_SECONDS).deployed_model


def until(condition: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what the condition says as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
    return found
