"""Vertex AI's PredictionService: requests go to what serves the deployed model that the traffic split chooses."""

from __future__ import annotations

import base64
import contextlib
import json
from http import HTTPStatus
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document
from mlmagic.emulator.endpoints.deployed import DeployedModels, serving_name
from mlmagic.emulator.endpoints.traffic import pick
from mlmagic.emulator.errors import invalid, of_http_status
from mlmagic.serving.client import Reply
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace


class PredictionService:
    """Predict and RawPredict."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core
        self._deployed = DeployedModels(open_workspace(Workspace(core.engine_folder)))

    def close(self) -> None:
        """Hang up."""
        self._deployed.close()

    def predict(self, call: Call) -> dict[str, Any]:
        """Return a prediction for each instance, and who made them."""
        request = call.request
        if not request.get("instances"):
            raise invalid("instances", "Required field instances is not set.")
        deployed = self._choose(request["endpoint"])
        body = {"instances": request["instances"]}
        if request.get("parameters"):
            body["parameters"] = request["parameters"]
        reply = self._deployed.ask(
            serving_name(request["endpoint"], deployed["id"]), "predict", json.dumps(body).encode()
        )
        _raise_for(reply)
        model = self._core.documents.find(deployed["model"]) or {}
        return {
            "predictions": json.loads(reply.body)["predictions"],
            "deployed_model_id": deployed["id"],
            "model": deployed["model"],
            "model_version_id": deployed["model_version_id"],
            "model_display_name": model.get("display_name", ""),
        }

    def raw_predict(self, call: Call) -> dict[str, Any]:
        """Return what the model's server answers to a body, as it is."""
        endpoint = call.request["endpoint"]
        deployed = self._choose(endpoint)
        body = base64.b64decode(call.request.get("http_body", {}).get("data", ""))
        reply = self._deployed.ask(serving_name(endpoint, deployed["id"]), "rawPredict", body)
        _raise_for(reply)
        call.headers["x-vertex-ai-endpoint-id"] = endpoint.rpartition("/")[2]
        call.headers["x-vertex-ai-deployed-model-id"] = deployed["id"]
        content_type = reply.headers.get("content-type", "application/json")
        return {"content_type": content_type, "data": base64.b64encode(reply.body).decode()}

    def _choose(self, name: str) -> Document:
        endpoint = self._core.documents.get(name)
        chosen = pick(endpoint["traffic_split"], name)
        return next(deployed for deployed in endpoint["deployed_models"] if deployed["id"] == chosen)


def _raise_for(reply: Reply) -> None:
    """Raise the model server's refusal, in its own words."""
    if reply.status == HTTPStatus.OK:
        return
    text = reply.body.decode(errors="replace").strip()
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["error"]["message"]
    raise of_http_status(reply.status, text)
