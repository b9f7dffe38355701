"""What serves which API, and how one call goes: faults, the method, the check of its answer."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.emulator.core import Call, Core, whereabouts
from mlmagic.emulator.errors import ApiError, disk_full, is_disk_full, of_http_status, unimplemented
from mlmagic.emulator.faults import Fault
from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.routes import Rpc

if TYPE_CHECKING:
    from google.protobuf.message import Message

ENGINE = "mlmagic.emulator.engine:Engine"
SERVICES: Mapping[str, Sequence[str]] = {
    "google.cloud.aiplatform.v1.JobService": (
        "mlmagic.emulator.jobs.service:CustomJobService",
        "mlmagic.emulator.tuning.service:TuningJobService",
        "mlmagic.emulator.batch.service:BatchPredictionJobService",
    ),
    "google.cloud.aiplatform.v1.ModelService": (
        "mlmagic.emulator.models.service:ModelService",
        "mlmagic.emulator.models.evaluations:ModelEvaluations",
    ),
    "google.cloud.aiplatform.v1.EndpointService": ("mlmagic.emulator.endpoints.service:EndpointService",),
    "google.cloud.aiplatform.v1.PredictionService": ("mlmagic.emulator.prediction.service:PredictionService",),
    "google.cloud.aiplatform.v1.PersistentResourceService": (
        "mlmagic.emulator.persistent.service:PersistentResourceService",
    ),
    "google.dataflow.v1beta3.JobsV1Beta3": ("mlmagic.emulator.dataflow.service:DataflowService",),
    "google.dataflow.v1beta3.MessagesV1Beta3": ("mlmagic.emulator.dataflow.service:DataflowService",),
    "google.dataflow.v1beta3.MetricsV1Beta3": ("mlmagic.emulator.dataflow.service:DataflowService",),
    "google.logging.v2.LoggingServiceV2": ("mlmagic.emulator.logging.service:LoggingService",),
    "google.monitoring.v3.MetricService": ("mlmagic.emulator.monitoring.service:MonitoringService",),
}
"""Each API's classes, `module:Class`, made with core and engine; the first that has an RPC's method serves it."""

Method = Callable[[Call], dict[str, Any]]
_LOG = logging.getLogger(__name__)


class Dispatcher:
    """The services of one emulator, by RPC."""

    def __init__(self, core: Core) -> None:
        self._core = core
        made: dict[str, Any] = {}
        engine = _load(ENGINE)
        self._engine = None if engine is None else engine(core.engine_folder)
        self._services: dict[str, list[Any]] = {"google.longrunning.Operations": [core.operations]}
        for name, places in SERVICES.items():
            for place in places:
                if place not in made and (kind := _load(place)) is not None:
                    made[place] = kind(core, self._engine)
            self._services[name] = [made[place] for place in places if place in made]
        self._parts = [part for part in (self._engine, *made.values()) if part is not None]

    def resume(self) -> None:
        """Take up what an emulator before has left: operations, then each part that has `resume()`."""
        self._core.operations.end_interrupted()
        for part in self._parts:
            if hasattr(part, "resume"):
                part.resume()

    def close(self) -> None:
        """End what parts have running, the last made first."""
        for part in reversed(self._parts):
            if hasattr(part, "close"):
                part.close()

    def call(
        self, rpc: Rpc, message: Message, fault: Fault | None = None, headers: dict[str, str] | None = None
    ) -> Message:
        """Return the response message; what is to be told beside it is put into `headers`.

        Raises:
            ApiError: what the service answers instead.
        """
        request = messages.to_dict(message)
        project, location = whereabouts(request)
        self._core.faults.note(rpc.name, request)
        self._core.faults.count_call()
        if fault is not None and fault.status is not None:
            raise of_http_status(fault.status, fault.message)
        if project and project != self._core.project:
            raise ApiError(status="PERMISSION_DENIED", message=f"Permission denied on resource project {project}.")
        call = Call(
            rpc=rpc.name,
            request=request,
            project=project or self._core.project,
            location=location or self._core.region,
            headers={} if headers is None else headers,
        )
        try:
            with self._core.operations.slowed(0.0 if fault is None else fault.slow_seconds):
                answer = self._method(rpc)(call)
            return messages.from_dict(rpc.response, answer)
        except ApiError:
            raise
        except Exception as error:
            if is_disk_full(error):
                raise disk_full() from error
            _LOG.exception("%s", rpc.name)
            raise ApiError(status="INTERNAL", message=f"{type(error).__name__}: {error}") from error

    def _method(self, rpc: Rpc) -> Method:
        for service in self._services.get(rpc.service, ()):
            if (method := getattr(service, rpc.python_name, None)) is not None:
                return method  # type: ignore[no-any-return]
        raise unimplemented(rpc.name)


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        if importlib.util.find_spec(module) is None:
            return None
    except ModuleNotFoundError:
        return None
    return getattr(importlib.import_module(module), name)
