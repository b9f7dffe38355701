"""Vertex AI's EndpointService."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.endpoints.deployed import DeployedModels, Served, scaling_of, serving_name
from mlmagic.emulator.endpoints.deployment import require_served, resources_of
from mlmagic.emulator.endpoints.traffic import check_split, with_new
from mlmagic.emulator.errors import ApiError, failed_precondition, invalid, not_found
from mlmagic.emulator.listing import list_page
from mlmagic.emulator.masks import read_mask
from mlmagic.emulator.models.names import engine_name, split_name
from mlmagic.emulator.models.registry import find_version
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace

KIND = "endpoint"
_V1 = "google.cloud.aiplatform.v1."
_ID = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
_DEPLOYED_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_UPDATABLE = frozenset(
    {"display_name", "description", "labels", "traffic_split", "predict_request_response_logging_config"}
)
_OF_CLIENT = (*sorted(_UPDATABLE - {"traffic_split"}), "network", "enable_private_service_connect", "encryption_spec")


class EndpointService:
    """Endpoints: documents, and what serves their deployed models."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core
        self._deployed = DeployedModels(open_workspace(Workspace(core.engine_folder)))

    def resume(self) -> None:
        """End what an emulator that was killed has left without a document."""
        endpoints = self._core.documents.list(KIND)
        self._deployed.end_others({serving_name(found["name"], each) for found in endpoints for each in _ids(found)})

    def close(self) -> None:
        """Hang up; what is deployed goes on."""
        self._deployed.close()

    def create_endpoint(self, call: Call) -> Document:
        """Make an endpoint without models."""
        endpoint, endpoint_id = call.request.get("endpoint", {}), call.request.get("endpoint_id")
        _check_display_name(endpoint)
        if endpoint_id is not None and not _ID.fullmatch(endpoint_id):
            raise invalid("endpoint_id", f"Invalid endpoint_id {endpoint_id!r}: up to 63 of [a-z0-9_-].")
        name = f"{call.request['parent']}/endpoints/{endpoint_id or self._core.documents.next_id()}"
        time = now()
        told = {field: endpoint[field] for field in _OF_CLIENT if field in endpoint}
        document = {"name": name, **told, "deployed_models": [], "traffic_split": {}, "create_time": time}
        self._core.documents.put(name, KIND, _changed(document))
        return self._core.operations.finished(
            name, {"name": name}, f"{_V1}Endpoint", metadata_type=f"{_V1}CreateEndpointOperationMetadata"
        )

    def get_endpoint(self, call: Call) -> Document:
        """Return an endpoint."""
        return self._core.documents.get(call.request["name"])

    def list_endpoints(self, call: Call) -> dict[str, Any]:
        """Return a page of endpoints."""
        return list_page(self._core.documents.list(KIND, call.request["parent"]), call.request, "endpoints")

    def update_endpoint(self, call: Call) -> Document:
        """Change the fields of the mask."""
        told, mask = call.request.get("endpoint", {}), read_mask(call.request)
        if wrong := sorted(set(mask) - _UPDATABLE):
            raise invalid("update_mask", f"Cannot update {', '.join(wrong)} of an Endpoint.")

        def change(document: Document) -> Document:
            for field in mask:
                document[field] = told.get(field, {} if field in {"labels", "traffic_split"} else "")
            if "traffic_split" in mask and document["traffic_split"]:
                document["traffic_split"] = check_split(document["traffic_split"], _ids(document))
            _check_display_name(document)
            return _changed(document)

        return self._core.documents.update(told.get("name", ""), change)

    def deploy_model(self, call: Call) -> Document:
        """Begin to deploy a version; the operation ends when it answers."""
        name, told = call.request["endpoint"], call.request.get("deployed_model", {})
        endpoint = self._core.documents.get(name)
        resources = resources_of(told)
        model, version, number = self._find_model(told.get("model", ""))
        deployed_id = told.get("id") or self._core.documents.next_id()
        if not _DEPLOYED_ID.fullmatch(deployed_id):
            raise invalid("deployed_model.id", f"Invalid deployed_model.id {deployed_id!r}: it has digits alone.")
        if deployed_id in _ids(endpoint):
            raise invalid("deployed_model.id", f"The Endpoint has a DeployedModel {deployed_id} already.")
        split = call.request.get("traffic_split", {})
        if split:
            with_new(split, deployed_id, _ids(endpoint))
        deployed = {
            **told,
            "id": deployed_id,
            "model": model["name"],
            "model_version_id": version,
            "display_name": told.get("display_name") or model["display_name"],
            "create_time": now(),
        }
        served = Served(
            name=serving_name(name, deployed_id),
            model=engine_name(model["name"]),
            number=number,
            scaling=scaling_of(resources),
        )
        return self._core.operations.started(
            name,
            f"{_V1}DeployModelResponse",
            lambda: self._deploy(name, deployed, served, split),
            metadata_type=f"{_V1}DeployModelOperationMetadata",
        )

    def undeploy_model(self, call: Call) -> Document:
        """Begin to take a deployed model away; refused while it would have traffic."""
        name, deployed_id = call.request["endpoint"], call.request.get("deployed_model_id", "")
        split = call.request.get("traffic_split")
        self._core.documents.update(name, lambda document: _without(document, deployed_id, split))

        def end() -> dict[str, Any]:
            self._deployed.end(serving_name(name, deployed_id))
            return {}

        return self._core.operations.started(
            name,
            f"{_V1}UndeployModelResponse",
            end,
            metadata_type=f"{_V1}UndeployModelOperationMetadata",
        )

    def mutate_deployed_model(self, call: Call) -> Document:
        """Change how many replicas a deployed model has."""
        name, told = call.request["endpoint"], call.request.get("deployed_model", {})
        mask = read_mask(call.request)
        allowed = {
            f"{kind}_resources.{count}_replica_count" for kind in ("dedicated", "automatic") for count in ("min", "max")
        }
        if wrong := sorted(set(mask) - allowed - {"dedicated_resources", "automatic_resources"}):
            raise invalid("update_mask", f"Cannot mutate {', '.join(wrong)} of a DeployedModel.")
        changed: list[Document] = []

        def change(document: Document) -> Document:
            found = _find(document, told.get("id", ""))
            for kind in {field.partition(".")[0] for field in mask}:
                counts = {key: value for key, value in told.get(kind, {}).items() if key.endswith("_replica_count")}
                found[kind] = {**found.get(kind, {}), **counts}
            resources_of(found)
            changed.append(found)
            return _changed(document)

        self._core.documents.update(name, change)
        self._deployed.scale(serving_name(name, told["id"]), scaling_of(resources_of(changed[-1])))
        return self._core.operations.finished(
            name,
            {"deployed_model": changed[-1]},
            f"{_V1}MutateDeployedModelResponse",
            metadata_type=f"{_V1}MutateDeployedModelOperationMetadata",
        )

    def delete_endpoint(self, call: Call) -> Document:
        """Delete an endpoint; refused while models are deployed."""
        name = call.request["name"]
        if ids := _ids(self._core.documents.get(name)):
            raise failed_precondition(
                f"Endpoint {name} cannot be deleted: it has deployed models ({', '.join(ids)}). Undeploy them first."
            )
        self._core.documents.delete(name)
        return self._core.operations.finished(
            call.parent, {}, "google.protobuf.Empty", metadata_type=f"{_V1}DeleteOperationMetadata"
        )

    def _find_model(self, reference: str) -> tuple[Document, str, int]:
        """Return the model's document, the version, and its number in the engine."""
        if not reference:
            raise invalid("deployed_model.model", "Required field deployed_model.model is not set.")
        name, wanted = split_name(reference, "deployed_model.model")
        document = self._core.documents.find(name)
        if document is None:
            raise not_found(name, "Model")
        version = find_version(document, wanted)
        own = document["versions"][version]
        require_served(f"{name}@{version}", own["container_spec"])
        if own["engine_version"] is None:
            raise failed_precondition(f"{name}@{version} has no artifact.")
        return document, version, own["engine_version"]

    def _deploy(self, name: str, deployed: Document, served: Served, split: Mapping[str, int]) -> dict[str, Any]:
        self._deployed.start(served)

        def change(document: Document) -> Document:
            if split:
                document["traffic_split"] = with_new(split, deployed["id"], _ids(document))
            document["deployed_models"] = [*document["deployed_models"], deployed]
            return _changed(document)

        try:
            self._core.documents.update(name, change)
        except ApiError:
            # Deleted, or changed so that the split no longer fits.
            self._deployed.end(served.name)
            raise
        return {"deployed_model": deployed}


def _without(document: Document, deployed_id: str, split: Mapping[str, int] | None) -> Document:
    found = _find(document, deployed_id)
    document["deployed_models"].remove(found)
    if not document["deployed_models"]:
        document["traffic_split"] = {}
    elif split:
        document["traffic_split"] = check_split(split, _ids(document))
    elif document["traffic_split"].get(deployed_id):
        raise failed_precondition(
            f"DeployedModel {deployed_id} has {document['traffic_split'][deployed_id]} % of the traffic of "
            f"{document['name']}: give it to others, with traffic_split."
        )
    return _changed(document)


def _find(document: Mapping[str, Any], deployed_id: str) -> Document:
    for deployed in document["deployed_models"]:
        if deployed["id"] == deployed_id:
            return deployed  # type: ignore[no-any-return]
    raise not_found(f"{document['name']} DeployedModel {deployed_id}", "DeployedModel")


def _ids(document: Mapping[str, Any]) -> list[str]:
    return [deployed["id"] for deployed in document["deployed_models"]]


def _changed(document: Document) -> Document:
    time = now()
    return document | {"update_time": time, "etag": time}


def _check_display_name(endpoint: Mapping[str, Any]) -> None:
    display_name = endpoint.get("display_name", "")
    if not display_name:
        raise invalid("endpoint.display_name", "Required field endpoint.display_name is not set.")
    if len(display_name) > 128:
        raise invalid("endpoint.display_name", "endpoint.display_name has more than 128 characters.")
