"""An endpoint: what it is to serve (`EndpointSpec`), what it serves now (`EndpointStatus`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.noun import Noun
from mlmagic.spec.request_log import RequestLogging, RequestLogStatus
from mlmagic.spec.rollout import RolloutStatus
from mlmagic.spec.shadow import ShadowStatus

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what it means to listen there
"""What listens on all addresses of a machine is there on its loopback too."""


class EndpointState(StrEnum):
    """What an endpoint does now."""

    STARTING = "STARTING"
    """Its first worker is loading; requests wait."""
    READY = "READY"
    UPDATING = "UPDATING"
    """Workers load what was deployed; they answer as before meanwhile."""
    IDLE = "IDLE"
    """Without workers, for want of requests; the next one wakes it."""
    FAILED = "FAILED"
    """It cannot serve; `error` says why. Requests get 503."""
    STOPPING = "STOPPING"
    DOWN = "DOWN"
    """Nothing runs: it was stopped, or the machine was."""


class EndpointGoal(StrEnum):
    """What an endpoint in the cloud is to come to. Processes of this machine are told directly."""

    SERVE = "serve"
    STOP = "stop"
    DELETE = "delete"


class EngineChoice(StrEnum):
    """What computes a version's predictions."""

    AUTO = "auto"
    """ONNX Runtime where the model converts and agrees on sample rows, TensorFlow otherwise."""
    SESSION = "session"
    ONNX = "onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedVersion(Noun):
    """A version behind an endpoint."""

    number: int
    traffic: int = 100
    """Percent of the requests that name no version. Those of all versions add up to 100."""
    engine: EngineChoice = EngineChoice.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStage(Noun):
    """What is deployed in one step of a roll-out."""

    share: int
    """The new version's, in percent."""
    deployed: tuple[DeployedVersion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout(Noun):
    """A new version takes over, step by step, as long as it behaves."""

    version: int
    stages: tuple[RolloutStage, ...]
    before: tuple[DeployedVersion, ...]
    """What a roll-back leads to."""
    hold_seconds: float
    """How long each step is served at least, the last one too."""
    create_time: datetime
    """Tells it from others of the same version."""

    def stage_of(self, deployed: tuple[DeployedVersion, ...]) -> int | None:
        """Return which stage it is that is deployed; None if it is none, because somebody has changed it."""
        return next((at for at, stage in enumerate(self.stages) if stage.deployed == deployed), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow(Noun):
    """A version that gets a copy of the requests, and answers nobody."""

    version: int
    share: float = 1.0
    """Of the requests, above 0."""
    engine: EngineChoice = EngineChoice.AUTO
    create_time: datetime
    """Tells it from others of the same version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling(Noun):
    """How many workers there are."""

    min_replicas: int = 0
    """0: none are left after a while without requests."""
    max_replicas: int = 1
    idle_seconds: float = 900.0
    """Without a request, after which workers beyond `min_replicas` end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Noun):
    """What a request may be, and how many may wait."""

    body_bytes: int = 64 << 20
    instances: int = 100_000
    """Of one request."""
    queue: int = 1024
    """Requests of one worker that have not been answered."""
    timeout_seconds: float = 60.0
    """For a body to come in, and again for its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec(Noun):
    """`endpoint.json`: what was asked for. Each change is a new generation."""

    name: str
    backend: str = "local"
    """Where it serves: on this machine, or in the cloud."""
    model: str
    deployed: tuple[DeployedVersion, ...]
    follows: str | None = None
    """The alias that its one version follows: moving the alias moves the endpoint. None: the version stays."""
    rollout: Rollout | None = None
    """As long as it is under way, `deployed` is one of its stages."""
    shadow: Shadow | None = None
    """Its version gets no share of the requests: see `without_served_shadow`."""
    scaling: Scaling = field(default_factory=Scaling)
    limits: Limits = field(default_factory=Limits)
    log: RequestLogging | None = None
    """What is kept of its requests; None: nothing."""
    host: str = "127.0.0.1"
    port: int
    """Stays the same as long as the endpoint is there. 0 in the cloud, which has no ports."""
    needs_token: bool = True
    python: str | None = None
    """The interpreter that serves; None is the one of who starts it."""
    machine: str | None = None
    """In the cloud, the type of its machines; as is the next one."""
    image: str | None = None
    """The container that serves; None is the newest prebuilt one."""
    goal: EndpointGoal = EndpointGoal.SERVE
    generation: int = 1
    create_time: datetime
    update_time: datetime

    def without_served_shadow(self) -> EndpointSpec:
        """Return the spec without its shadow if that answers requests itself: it has been promoted."""
        shadow = self.shadow
        is_served = any(shadow and each.number == shadow.version and each.traffic for each in self.deployed)
        return dataclasses.replace(self, shadow=None) if is_served else self


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus(Noun):
    """A worker process."""

    pid: int
    state: str
    """`loading`, `ready` or `draining`."""
    start_time: datetime
    memory_bytes: int = 0
    cpu_percent: float = 0.0
    connections: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus(Noun):
    """What a deployed version did since its supervisor was started."""

    number: int
    engine: str | None = None
    """`session` or `onnx`, once loaded."""
    is_converting: bool = False
    """TensorFlow serves it only until it is converted for ONNX Runtime, and workers have loaded that."""
    requests: int = 0
    instances: int = 0
    errors: int = 0
    """Requests that were well-formed and yet got no prediction."""
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """`p50` and `p99` of the newest requests, from the whole body to the answer."""
    latency_counts: tuple[int, ...] = ()
    """All answers by their latency: see `LATENCY_BOUNDS`."""
    latency_seconds: float = 0.0
    """Of all answers together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStatus(Noun):
    """`status.json`: what its supervisor last said, about once a second while something changes."""

    state: EndpointState
    generation: int = 0
    """Of the spec that is served; smaller than the spec's own while that is being loaded."""
    refused_generation: int = 0
    """The newest generation that could not be loaded: the one before is served on."""
    error: str | None = None
    """Why it failed, or why that generation was refused; one line."""
    note: str | None = None
    """Of an endpoint in the cloud: what is under way, or why it cannot be asked now."""
    address: str | None = None
    """Of an endpoint in the cloud: the resource below which it is asked."""
    workers: tuple[WorkerStatus, ...] = ()
    versions: tuple[VersionStatus, ...] = ()
    requests_per_second: float = 0.0
    """Over the last ten seconds or so."""
    in_flight: int = 0
    """Requests that wait for their answer."""
    last_request: datetime | None = None
    log: RequestLogStatus | None = None
    """Of its request log, while it has one."""
    rollout: RolloutStatus | None = None
    """The newest, be it under way or over."""
    shadow: ShadowStatus | None = None
    """Of its shadow, while it has one."""
    start_time: datetime
    """Of the supervisor."""
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRecord(Noun):
    """An endpoint as it is now."""

    spec: EndpointSpec
    status: EndpointStatus

    @property
    def is_local(self) -> bool:
        """Whether processes of this machine serve it."""
        return self.spec.backend == "local"

    @property
    def url(self) -> str:
        """Where this machine reaches it; empty as long as the cloud has not said where that is."""
        if not self.is_local:
            return self.status.address or ""
        host = _EVERY_ADDRESS.get(self.spec.host, self.spec.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.spec.port}"

    @property
    def predict_url(self) -> str:
        """Where `{"instances": [...]}` is posted, as Vertex AI has it: the answer tells who gave it, too.

        Its `deployedModelId` is the number of a version.
        """
        if not self.is_local:
            return f"{self.url}:predict" if self.url else ""
        return f"{self.url}/v1/projects/local/locations/local/endpoints/{self.spec.name}:predict"
