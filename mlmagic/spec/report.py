"""What is told about jobs beyond their records: one in full, two side by side, many in a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmagic.spec.job import JobRecord, JobState, Replica
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.noun import Noun
from mlmagic.spec.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange(Noun):
    """A job came to a state."""

    state: JobState
    time: datetime
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Noun):
    """How far training is, as its log tells."""

    epoch: int
    """The one that runs, from 1."""
    epochs: int
    step: int | None = None
    """Of this epoch."""
    steps: int | None = None

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        within = self.step / self.steps if self.step is not None and self.steps else 0.0
        return min(1.0, max(0.0, (self.epoch - 1 + within) / self.epochs)) if self.epochs > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Noun):
    """How far preprocessing is, as its log tells."""

    rows: int
    bytes_done: int
    bytes_total: int
    bytes_per_second: float | None = None
    """Since it began to read; None while that cannot be told."""

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return min(1.0, max(0.0, self.bytes_done / self.bytes_total)) if self.bytes_total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDescription(Noun):
    """All that is known about one job."""

    record: JobRecord
    changes: tuple[StateChange, ...] = ()
    """By time."""
    replicas: tuple[Replica, ...] = ()
    usage: Usage = field(default_factory=Usage)
    progress: Progress | None = None
    reading: Reading | None = None
    """Of preprocessing, in place of `progress`."""
    monitor: MonitorStatus | None = None
    """Of a monitoring job, in place of `progress`."""
    eta_seconds: float | None = None
    """How long it will still take, where the epochs or bytes are known."""
    waiting_for: str | None = None
    """Why a QUEUED job does not run yet: `2 jobs before it`."""
    log_tail: str = ""
    hints: tuple[str, ...] = ()
    """What the user may want to know: `would have fitted BASIC`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReport(Noun):
    """What starts a workspace's jobs: whether it runs, and what it keeps in memory for them."""

    pid: int | None = None
    host: str | None = None
    """Set if it runs on another machine."""
    warm_bytes: tuple[int, ...] = ()
    """The memory of each process that waits with TensorFlow imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedJob(Noun):
    """A row of a comparison."""

    id: str
    display_name: str
    state: JobState
    seconds: float | None = None
    """How long it ran."""
    model_version: str | None = None
    dataset_version: str | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Noun):
    """Jobs in a table: flags that differ against final metrics."""

    jobs: tuple[ComparedJob, ...] = ()
    flags: tuple[str, ...] = ()
    """The columns of flags: those in which the jobs differ."""
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Noun):
    """What two jobs have differently; None where one has nothing."""

    key: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference(Noun):
    """A file that differs, as a unified diff."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDiff(Noun):
    """Two jobs side by side."""

    first: str
    """Their ids."""
    second: str
    code: tuple[FileDifference, ...] = ()
    flags: tuple[Difference, ...] = ()
    settings: tuple[Difference, ...] = ()
    """Scale tier, versions, git commit, and the like."""
    results: tuple[Difference, ...] = ()
    """State, duration, final metrics, the version that it made."""
