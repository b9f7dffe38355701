"""A job: what was asked for (`JobSpec`), what became of it (`JobRecord`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.noun import Noun
from mlmagic.spec.resources import Resources
from mlmagic.spec.study import StudySpec
from mlmagic.spec.vertex import VertexOptions


class JobState(StrEnum):
    """Vertex AI's job states, and LOST."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    PAUSED = "PAUSED"
    EXPIRED = "EXPIRED"
    UPDATING = "UPDATING"
    PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
    LOST = "LOST"
    """Local only: the machine went away under the job."""

    @property
    def is_final(self) -> bool:
        """Nothing changes any more."""
        return self in FINAL_STATES


FINAL_STATES = frozenset(
    {
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.EXPIRED,
        JobState.PARTIALLY_SUCCEEDED,
        JobState.LOST,
    }
)

UNFINISHED = frozenset(JobState) - FINAL_STATES


class JobKind(StrEnum):
    """What a job does."""

    TRAINING = "training"
    TUNING = "tuning"
    PREPROCESSING = "preprocessing"
    BATCH_PREDICTION = "batchPrediction"
    MONITORING = "monitoring"
    """Looks at what an endpoint is asked again and again, until it is cancelled."""


READING_KINDS = frozenset({JobKind.PREPROCESSING, JobKind.BATCH_PREDICTION})
"""Jobs that work through files, and are as far as they have read."""


class ReplicaRole(StrEnum):
    """What a process of a job does, in the order of Vertex AI's worker pools."""

    CHIEF = "chief"
    WORKER = "worker"
    PS = "ps"
    EVALUATOR = "evaluator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Noun):
    """The notebook cell that a job came from."""

    notebook: str | None = None
    cell_id: str | None = None
    cell_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageReference(Noun):
    """The trainer package of a job; the files lie in the job's folder."""

    digest: str
    """SHA-256 over names and contents of its files: the same for the same code."""
    module: str = "trainer.task"
    requirements: tuple[str, ...] = ()
    cold_reason: str | None = None
    """Why its programs cannot be forked from a process that has imported TensorFlow; None where they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement(Noun):
    """What a job takes of this machine; decided by the backend when the job is submitted."""

    replicas: Mapping[str, int] = field(default_factory=lambda: {"chief": 1})
    """How many processes of each role there are."""
    cores: float = 1.0
    """Of all replicas together, like `memory_bytes`."""
    memory_bytes: int = 0
    note: str | None = None
    """What is otherwise than one may expect, such as what the same job is in the cloud; one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec(Noun):
    """What was asked for. Never changes after submission."""

    display_name: str
    kind: JobKind = JobKind.TRAINING
    backend: str = "local"
    package: PackageReference
    args: tuple[str, ...] = ()
    """The program's own arguments, as they are."""
    resources: Resources = field(default_factory=Resources)
    vertex: VertexOptions = field(default_factory=VertexOptions)
    """On Vertex AI: what is asked of it alone."""
    model: str | None = None
    """The model that gets the version; None where a job makes no model."""
    set_default: bool = False
    dataset: str | None = None
    """What a program trains on, such as `taxi@3`; of preprocessing, the name of the dataset that it makes."""
    labels: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None
    """Of one attempt."""
    priority: int = 0
    """A higher one is started first; of equal ones the older."""
    max_retries: int = 0
    """How many more attempts there are after one that failed."""
    fresh: bool = False
    """Start each program from nothing, never by a fork."""
    warm_starts: bool = True
    """Local: the user's setting allows forks."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """What the program's flags are set to, defaults included, as far as mlmagic knows them."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Python, mlmagic and the libraries that the package imports, where it was submitted."""
    git_commit: str | None = None
    """Of the notebook's repository, as it was checked out."""
    rerun_of: str | None = None
    """The id of the job that this one repeats."""
    study: StudySpec | None = None
    """Of a tuning job, what it searches; its package and arguments are its trials'."""
    parent: str | None = None
    """Of a trial, the id of the study."""
    trial: int | None = None
    """Of a trial, its number."""
    from_study: str | None = None
    """The id of the study whose best trial this job repeats in full."""
    invocation: str | None = None
    """The line that submitted it, as it was typed."""
    origin: Origin = field(default_factory=Origin)
    python: str | None = None
    """Local: the interpreter that runs it."""
    working_directory: str | None = None
    """Local: where relative paths of the program start."""
    environment: str | None = None
    """Local: the digest under which its environment variables are kept outside of the workspace until it has ended."""
    placement: Placement | None = None
    """Local: what it takes of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica(Noun):
    """A process of a running job, or of its last attempt."""

    role: ReplicaRole
    index: int
    pid: int
    """Also the number of its process group."""
    attempt: int
    restarts: int = 0
    """How many times it alone was started again within the attempt."""
    start_time: datetime
    end_time: datetime | None = None
    exit_code: int | None = None

    @property
    def name(self) -> str:
        """`worker-0`, as its log is called."""
        return f"{self.role}-{self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaList(Noun):
    """`replicas.json`: the processes of the newest attempt."""

    replicas: tuple[Replica, ...] = ()
    earlier_restarts: int = 0
    """How many times replicas were started again alone in the attempts before."""

    @property
    def restarts(self) -> int:
        """How many times replicas of the job were started again alone."""
        return self.earlier_restarts + sum(replica.restarts for replica in self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError(Noun):
    """Why a job failed. `message` is one line; `traceback` points at notebook cells where it can."""

    message: str
    details: str | None = None
    """More lines of the message, such as rows that were rejected."""
    traceback: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord(Noun):
    """What became of a job so far."""

    id: str
    spec: JobSpec
    state: JobState
    create_time: datetime
    start_time: datetime | None = None
    """When user code began to run."""
    end_time: datetime | None = None
    update_time: datetime
    attempt: int = 0
    """How many times a supervisor claimed it."""
    exit_code: int | None = None
    """The program's exit status; -N if signal N ended it."""
    error: JobError | None = None
    model_version: str | None = None
    """`taxi@2`, once registered."""
    dataset_version: str | None = None
    """`taxi@2`, once preprocessing has made it."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The last value of each TensorBoard scalar, by Keras's names: `loss`, `val_loss`. Of preprocessing, row counts."""
    message: str | None = None
    """The last line that mlmagic said about it."""
    stop_reason: str | None = None
    """Why it was told to stop early, which ends it as SUCCEEDED; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary(Noun):
    """A row of a job list: what can be told without reading the whole record."""

    id: str
    display_name: str
    kind: JobKind
    backend: str
    state: JobState
    create_time: datetime
    start_time: datetime | None = None
    end_time: datetime | None = None
    priority: int = 0
    attempt: int = 0
    model_version: str | None = None
    dataset_version: str | None = None
    error: str | None = None
    parent: str | None = None
    trial: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRecord(Noun):
    """`exit.json`: how the last attempt, and with it the job, ended. The truth, should the database disagree.

    `attempt-N.json`: how an attempt ended that was followed by another.
    """

    attempt: int
    state: JobState
    exit_code: int | None = None
    start_time: datetime | None = None
    end_time: datetime
    error: JobError | None = None
    model_version: str | None = None
    dataset_version: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str | None = None


def fields_of(record: ExitRecord) -> dict[str, object]:
    """Return what an exit record says, as fields of the job's record."""
    known = {} if record.start_time is None else {"start_time": record.start_time}
    return known | {
        "end_time": record.end_time,
        "exit_code": record.exit_code,
        "error": record.error,
        "model_version": record.model_version,
        "dataset_version": record.dataset_version,
        "metrics": record.metrics,
        "message": record.message,
    }
