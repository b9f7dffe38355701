"""Calls to Vertex AI's EndpointService, and to the long-running operations of all its services."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import Connection, call_options
from mlmagic.backends.google.endpoints_remote import Operation, RemoteDeployed, RemoteEndpoint

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import EndpointServiceClient

# `list` is also a method below, where annotations would take it for that.
Operations = list[Operation]
Endpoints = list[RemoteEndpoint]


class EndpointCalls:
    """Endpoints of the settings' project and region. What begins something returns its operation's name.

    What only reads takes the API's JSON as it is: the import of Google's client takes seconds, for which no list waits.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, endpoint: Mapping[str, Any]) -> str:
        """Begin to make an endpoint, given as the API's message in snake_case. Never tried twice.

        Raises:
            UnavailableError: no answer came; there may be such an endpoint now.
            BackendError: Google refused.
        """
        with self._connection.asking("create the endpoint"):
            from google.cloud.aiplatform_v1 import Endpoint

            parent = self._connection.settings.parent
            begun = self.service.create_endpoint(parent=parent, endpoint=Endpoint(dict(endpoint)), **call_options())
            return str(begun.operation.name)

    def get(self, name: str) -> RemoteEndpoint:
        """Return an endpoint as it is now.

        Raises:
            NotFoundError: there is none.
        """
        address = f"{self._connection.vertex}/v1/{name}"
        return _remote(
            self._connection.repeated("look at the endpoint", lambda: self._connection.asked("GET", address))
        )

    def list(self, where: str) -> Endpoints:
        """Return the endpoints that pass a filter of the API, the oldest first."""
        address = f"{self._connection.vertex}/v1/{self._connection.settings.parent}/endpoints"
        found: Endpoints = []
        token = ""
        while True:
            asked = {"filter": where, "pageSize": "100", "pageToken": token}
            page = self._connection.repeated(
                "list the endpoints", functools.partial(self._connection.asked, "GET", address, params=asked)
            )
            found += [_remote(document) for document in page.get("endpoints", ())]
            if not (token := page.get("nextPageToken", "")):
                return sorted(found, key=lambda one: (one.create_time, one.name))

    def deploy(self, name: str, deployed: Mapping[str, Any], traffic: Mapping[str, int]) -> str:
        """Begin to deploy a model, given as the API's DeployedModel; `traffic` replaces the split unless it is empty.

        Errors are those of `create`.
        """
        with self._connection.asking("deploy the model"):
            from google.cloud.aiplatform_v1 import DeployedModel

            begun = self.service.deploy_model(
                endpoint=name,
                deployed_model=DeployedModel(dict(deployed)),
                traffic_split=dict(traffic),
                **call_options(),
            )
            return str(begun.operation.name)

    def undeploy(self, name: str, deployed_id: str, traffic: Mapping[str, int]) -> str:
        """Begin to take a model away; `traffic` is the split without it, empty if it stays or none is left."""
        with self._connection.asking("undeploy the model", is_repeated=True):
            begun = self.service.undeploy_model(
                endpoint=name, deployed_model_id=deployed_id, traffic_split=dict(traffic), **call_options()
            )
            return str(begun.operation.name)

    def split(self, name: str, display_name: str, traffic: Mapping[str, int]) -> None:
        """Replace the split of the requests, all of it at once; the name that it displays stays."""

        def call() -> Any:
            from google.cloud.aiplatform_v1 import Endpoint
            from google.protobuf.field_mask_pb2 import FieldMask

            endpoint = Endpoint(name=name, display_name=display_name, traffic_split=dict(traffic))
            mask = FieldMask(paths=["traffic_split"])
            return self.service.update_endpoint(endpoint=endpoint, update_mask=mask, **call_options())

        self._connection.repeated("split the requests", call)

    def scale(self, name: str, deployed: Mapping[str, Any]) -> str:
        """Begin to change how many replicas a deployed model has, given as its id and its dedicated resources."""
        with self._connection.asking("change the replicas"):
            from google.cloud.aiplatform_v1 import DeployedModel
            from google.protobuf.field_mask_pb2 import FieldMask

            counts = ("min_replica_count", "max_replica_count")
            begun = self.service.mutate_deployed_model(
                endpoint=name,
                deployed_model=DeployedModel(dict(deployed)),
                update_mask=FieldMask(paths=[f"dedicated_resources.{field}" for field in counts]),
                **call_options(),
            )
            return str(begun.operation.name)

    def delete(self, name: str) -> str:
        """Begin to delete an endpoint without models.

        Raises:
            NotFoundError: it is gone.
        """
        with self._connection.asking("delete the endpoint", is_repeated=True):
            return str(self.service.delete_endpoint(name=name, **call_options()).operation.name)

    def operation(self, name: str) -> Operation:
        """Return an operation as it is now.

        Raises:
            NotFoundError: it is not known any more.
        """
        address = f"{self._connection.vertex}/v1/{name}"
        return _operation(
            self._connection.repeated("look at the operation", lambda: self._connection.asked("GET", address))
        )

    def under_way(self, parent: str) -> Operations:
        """Return the operations on a resource that are not done."""
        address = f"{self._connection.vertex}/v1/{parent}/operations"
        told = self._connection.repeated("list the operations", lambda: self._connection.asked("GET", address))
        found = [_operation(document) for document in told.get("operations", ())]
        return [operation for operation in found if not operation.is_done]

    @functools.cached_property
    def service(self) -> EndpointServiceClient:
        """Google's own client, whose import takes seconds."""
        with self._connection.lock:
            from google.cloud.aiplatform_v1 import EndpointServiceClient

            return EndpointServiceClient(
                transport="rest",
                client_options={"api_endpoint": self._connection.vertex},
                credentials=self._connection.credentials,
            )


def _remote(document: Mapping[str, Any]) -> RemoteEndpoint:
    return RemoteEndpoint(
        name=document["name"],
        deployed={one["id"]: _deployed(one) for one in document.get("deployedModels", ())},
        traffic={key: int(share) for key, share in document.get("trafficSplit", {}).items() if int(share)},
        create_time=document.get("createTime", ""),
    )


def _deployed(document: Mapping[str, Any]) -> RemoteDeployed:
    machines = document.get("dedicatedResources", {})
    return RemoteDeployed(
        id=document["id"],
        model=document.get("model", "").partition("@")[0],
        version=document.get("modelVersionId", ""),
        min_replicas=int(machines.get("minReplicaCount", 0)),
        max_replicas=int(machines.get("maxReplicaCount", 0)),
    )


def _operation(document: Mapping[str, Any]) -> Operation:
    error = document.get("error") or {}
    kind = str((document.get("metadata") or {}).get("@type", "")).rpartition(".")[2]
    response = {key: value for key, value in (document.get("response") or {}).items() if isinstance(value, str)}
    return Operation(
        name=document["name"],
        is_done=bool(document.get("done")),
        error=" ".join(str(error.get("message") or error).split()) if error else None,
        code=int(error.get("code", 0)),
        response=response,
        kind=kind,
    )
