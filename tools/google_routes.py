"""What the emulator knows of Google's APIs, out of their libraries: `python -m tools.google_routes` writes it anew.

`routes.json` has each RPC with its messages and its HTTP bindings, `messages.binpb.gz` the definitions of the messages
as a FileDescriptorSet. So the emulator needs google.protobuf and none of the libraries, which take seconds to import.
The libraries' transports are generated code: what is read here is private to them, and a test compares.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

FOLDER = Path(__file__).resolve().parent.parent / "mlmagic" / "emulator" / "wire"
ROUTES = "routes.json"
MESSAGES = "messages.binpb.gz"

_TRANSPORTS = {
    "google.cloud.aiplatform.v1.JobService": "google.cloud.aiplatform_v1.services.job_service.transports",
    "google.cloud.aiplatform.v1.ModelService": "google.cloud.aiplatform_v1.services.model_service.transports",
    "google.cloud.aiplatform.v1.EndpointService": "google.cloud.aiplatform_v1.services.endpoint_service.transports",
    "google.cloud.aiplatform.v1.PredictionService": "google.cloud.aiplatform_v1.services.prediction_service.transports",
    "google.cloud.aiplatform.v1.PersistentResourceService": (
        "google.cloud.aiplatform_v1.services.persistent_resource_service.transports"
    ),
    "google.dataflow.v1beta3.JobsV1Beta3": "google.cloud.dataflow_v1beta3.services.jobs_v1_beta3.transports",
    "google.dataflow.v1beta3.MessagesV1Beta3": "google.cloud.dataflow_v1beta3.services.messages_v1_beta3.transports",
    "google.dataflow.v1beta3.MetricsV1Beta3": "google.cloud.dataflow_v1beta3.services.metrics_v1_beta3.transports",
    "google.logging.v2.LoggingServiceV2": "google.cloud.logging_v2.services.logging_service_v2.transports",
    "google.monitoring.v3.MetricService": "google.cloud.monitoring_v3.services.metric_service.transports",
}
# The libraries of these two speak gRPC alone; the bindings are those of the public reference of their REST APIs.
_BY_HAND: dict[str, list[list[str | None]]] = {
    "ListLogEntries": [["POST", "/v2/entries:list", "*"]],
    "WriteLogEntries": [["POST", "/v2/entries:write", "*"]],
    "DeleteLog": [["DELETE", "/v2/{log_name=projects/*/logs/*}", None]],
    "ListLogs": [["GET", "/v2/{parent=projects/*}/logs", None]],
    "ListTimeSeries": [["GET", "/v3/{name=projects/*}/timeSeries", None]],
    "CreateTimeSeries": [["POST", "/v3/{name=projects/*}/timeSeries", "*"]],
    "ListMetricDescriptors": [["GET", "/v3/{name=projects/*}/metricDescriptors", None]],
    "GetMetricDescriptor": [["GET", "/v3/{name=projects/*/metricDescriptors/**}", None]],
}
_OPERATIONS = "google.longrunning.Operations"
_NAMED = re.compile(
    r"projects/\*/locations/\*(?:/(?:models|endpoints|customJobs|persistentResources)/\*)?(?:/|}/)operations"
)


class _Recorder(grpc.Channel):  # type: ignore[misc]
    """A channel that notes which messages a transport would send through it."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Any, Any]] = {}

    def unary_unary(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, *_: Any
    ) -> Callable[..., None]:
        self.found[method] = (request_serializer, response_deserializer)
        return self._never_called

    def unary_stream(self, *_: Any, **__: Any) -> Callable[..., None]:
        """Streams have no place in the emulator."""
        return self._never_called

    def _never_called(self, *_: Any, **__: Any) -> None:
        """What a transport keeps as the RPC."""

    stream_unary = stream_stream = unary_stream

    def subscribe(self, *_: Any, **__: Any) -> None:
        """Nobody asks."""

    unsubscribe = close = subscribe


def generate() -> tuple[str, bytes]:
    """Return the text of `routes.json` and the bytes of the FileDescriptorSet, not yet compressed."""
    routes: list[dict[str, Any]] = []
    descriptors: dict[str, Any] = {}
    for service, module in _TRANSPORTS.items():
        transports = importlib.import_module(module)
        for rpc, (request, response) in sorted(_messages(transports).items()):
            routes.append(_route(service, rpc, request, response, _bindings(transports, rpc)))
            descriptors |= {request.full_name: request, response.full_name: response}
    for rpc, request, response, bindings in _operations():
        routes.append(_route(_OPERATIONS, rpc, request, response, bindings))
        descriptors |= {request.full_name: request, response.full_name: response}
    return _pretty(routes), _file_set(descriptors)


def _route(service: str, rpc: str, request: Any, response: Any, http: list[list[str | None]]) -> dict[str, Any]:
    return {"service": service, "rpc": rpc, "request": request.full_name, "response": response.full_name, "http": http}


def _pretty(routes: list[dict[str, Any]]) -> str:
    # One line for each RPC, so that a difference between two versions can be read.
    return "[\n" + ",\n".join(json.dumps(route) for route in routes) + "\n]\n"


def _messages(transports: Any) -> dict[str, tuple[Any, Any]]:
    """Return the descriptors of request and response of each unary RPC of a service."""
    kind = next(getattr(transports, name) for name in dir(transports) if name.endswith("GrpcTransport"))
    recorder = _Recorder()
    transport = kind(channel=recorder)
    transport._logged_channel = recorder  # noqa: SLF001
    transport._stubs = {}  # noqa: SLF001
    for name in vars(kind):
        if isinstance(vars(kind)[name], property) and name not in {"grpc_channel", "operations_client", "kind"}:
            getattr(transport, name)
    own = {method: pair for method, pair in recorder.found.items() if not _is_mixin(method)}
    return {method.rsplit("/", 1)[1]: tuple(map(_descriptor, pair)) for method, pair in own.items()}


def _is_mixin(method: str) -> bool:
    return method.startswith(("/google.longrunning.", "/google.iam.", "/google.cloud.location."))


def _descriptor(codec: Any) -> Any:
    message = codec.__self__
    return message.pb().DESCRIPTOR if hasattr(message, "pb") else message.DESCRIPTOR


def _bindings(transports: Any, rpc: str) -> list[list[str | None]]:
    if importlib.util.find_spec(f"{transports.__name__}.rest_base") is None:
        return _BY_HAND.get(rpc, [])
    base = importlib.import_module(f"{transports.__name__}.rest_base")
    kind = next(getattr(base, name) for name in dir(base) if re.fullmatch(r"_Base\w+RestTransport", name))
    options: list[dict[str, str]] = getattr(getattr(kind, f"_Base{rpc}"), "_get_http_options", list)()
    return [[option["method"].upper(), option["uri"], option.get("body")] for option in options]


def _operations() -> list[tuple[str, Any, Any, list[list[str | None]]]]:
    from google.auth.credentials import AnonymousCredentials
    from google.longrunning import operations_pb2
    from google.protobuf import empty_pb2

    transports: Any = importlib.import_module(_TRANSPORTS["google.cloud.aiplatform.v1.JobService"])
    client = transports.JobServiceRestTransport(credentials=AnonymousCredentials()).operations_client
    known = client._transport._http_options  # noqa: SLF001
    found = []
    for rpc in ("CancelOperation", "DeleteOperation", "GetOperation", "ListOperations", "WaitOperation"):
        bindings = [
            [option["method"].upper(), option["uri"], option.get("body")]
            for option in known[f"{_OPERATIONS}.{rpc}"]
            if _NAMED.search(option["uri"])
        ]
        request = getattr(operations_pb2, f"{rpc}Request").DESCRIPTOR
        lists = operations_pb2.ListOperationsResponse if rpc == "ListOperations" else operations_pb2.Operation
        response = empty_pb2.Empty if rpc in {"CancelOperation", "DeleteOperation"} else lists
        found.append((rpc, request, response.DESCRIPTOR, bindings))
    return found


def _file_set(descriptors: dict[str, Any]) -> bytes:
    from google.protobuf import descriptor_pb2

    files: dict[str, Any] = {}

    def visit(file: Any) -> None:
        if file.name in files:
            return
        for dependency in sorted(file.dependencies, key=lambda found: found.name):
            visit(dependency)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        proto.ClearField("service")
        proto.ClearField("source_code_info")
        # The libraries make them from sets: the order differs from run to run.
        if not proto.public_dependency and not proto.weak_dependency:
            proto.dependency[:] = sorted(proto.dependency)
        files[file.name] = proto

    for name in sorted(descriptors):
        visit(descriptors[name].file)
    data: bytes = descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True)
    return data


def main() -> int:
    """Write both files."""
    routes, messages = generate()
    (FOLDER / ROUTES).write_text(routes, "utf-8")
    (FOLDER / MESSAGES).write_bytes(gzip.compress(messages, mtime=0))
    print(f"{routes.count(chr(10)) - 2} RPCs, {len(messages):,} bytes of messages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
