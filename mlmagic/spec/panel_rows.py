"""What the panel's lists and pages are made of: rows of every noun, pieces of logs, curves, pages. Its wire format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmagic.spec.endpoint import EndpointState
from mlmagic.spec.job import JobSummary, Origin
from mlmagic.spec.log import Severity
from mlmagic.spec.monitoring_alert import Alert
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline(Noun):
    """The metric by which a job is told from others at a glance."""

    name: str
    value: float
    points: tuple[float, ...] = ()
    """Its values over time, by step; of many a part, with the first and the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow(Noun):
    """A job in the list: its summary, and what moves while it runs."""

    summary: JobSummary
    origin: Origin = field(default_factory=Origin)
    fraction: float | None = None
    """From 0 to 1; None where it cannot be told."""
    eta_seconds: float | None = None
    waiting_for: str | None = None
    """Why a job that is QUEUED, or in the cloud PENDING, does not run yet."""
    headline: Headline | None = None
    cores: float | None = None
    """That its replicas keep busy just now; None of one that does not run."""
    memory_bytes: int | None = None
    """That its replicas hold just now."""
    note: str | None = None
    """Of a study, how far it is; of a trial, what it tries; of monitoring, when it looked last, and its alerts."""
    trouble: str | None = None
    """Of a job that has not ended, why its backend could not be asked: what is told of it is what was last heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRows(Noun):
    """A part of the list of jobs."""

    jobs: tuple[JobRow, ...]
    total: int
    """How many jobs pass the filter."""
    unfinished: int
    """How many of all jobs, trials left out, have not ended."""
    event: int
    """The last event before the list was read: what the stream has to say after it is newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow(Noun):
    """A model in the list."""

    name: str
    default: int | None = None
    """The number of its default version; None while it has no version."""
    latest: int | None = None
    versions: int
    update_time: datetime | None = None
    """When its latest version was made."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the default version."""
    endpoints: tuple[str, ...] = ()
    """Those that serve one of its versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShare(Noun):
    """A version behind an endpoint."""

    number: int
    traffic: int
    """Percent of the requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow(Noun):
    """An endpoint in the list."""

    name: str
    model: str
    state: EndpointState
    shares: tuple[VersionShare, ...] = ()
    workers: int = 0
    """That are ready."""
    requests_per_second: float = 0.0
    follows: str | None = None
    """The alias that its version follows."""
    error: str | None = None
    backend: str = "local"
    note: str | None = None
    """Of an endpoint in the cloud: what is under way there, or why it cannot be asked about now."""
    idle: str | None = None
    """Of an endpoint in the cloud that nobody asks: for how long, and what ends it."""
    alerts: int = 0
    """Of monitoring, that last now."""
    shadow: int | None = None
    """The version that gets copies of the requests, and answers nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureChart(Noun):
    """How a feature is distributed in the baseline and in the window."""

    name: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPage(Noun):
    """What monitoring found of an endpoint last, as the server renders it, and its alerts."""

    html: str = ""
    """The newest report; empty where nobody has looked."""
    charts: tuple[FeatureChart, ...] = ()
    """What matters most first."""
    alerts: tuple[Alert, ...] = ()
    """The newest first."""
    jobs: tuple[str, ...] = ()
    """The jobs that look again and again now."""
    is_logged: bool = False
    """Whether the endpoint logs what it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow(Noun):
    """A dataset in the list, by its newest version."""

    name: str
    number: int
    versions: int
    rows: Mapping[str, int] = field(default_factory=dict)
    """By split."""
    columns: int
    total_bytes: int
    create_time: datetime
    location: str | None = None
    """`gs://…`, where the newest version's files lie, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Noun):
    """A page as the server renders it: escaped HTML without scripts, themed by Jupyter's own variables."""

    title: str
    html: str
    bundle: Mapping[str, object] = field(default_factory=dict)
    """The payload of the panel's own mime type, with what the page's parts need beyond the HTML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource(Noun):
    """The log of one replica."""

    replica: str
    """`worker-0`."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine(Noun):
    """A line of a log, as it was printed, escape sequences and all."""

    text: str
    severity: Severity = Severity.NONE
    is_cut: bool = False
    """It is longer than what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines(Noun):
    """A part of a log."""

    first: int
    """The number of the first of the lines, from 0."""
    lines: tuple[LogLine, ...]
    total: int
    """How many lines the log has by now."""
    size_bytes: int
    file: str = ""
    """Tells this file from another by the same name: what was read of that is not of this log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMatches(Noun):
    """Where a text occurs in a log."""

    lines: tuple[int, ...]
    """The numbers of the lines, from 0."""
    has_more: bool = False
    total: int
    """How many lines were looked at."""
    file: str = ""
    """As in `LogLines`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Noun):
    """A scalar of a job over its steps. The three tuples are equally long."""

    job: str
    """The job's id."""
    name: str
    """By Keras's names: `loss`, `val_loss`."""
    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    times: tuple[float, ...] = ()
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves(Noun):
    """The scalars of a job, or what came since the last look."""

    series: tuple[Series, ...] = ()
    cursor: str
    """What the next look gives back, to be told only of what came since."""
    is_whole: bool = True
    """These are all points; otherwise they are to be put behind those that are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Noun):
    """What a program wrote to go on from."""

    name: str
    """The path below the folder of checkpoints; of TensorFlow's, which are several files, what they have in common."""
    path: str
    """The whole path, as `tf.train.Checkpoint.restore` and `keras.models.load_model` take it."""
    step: int | None = None
    """The number in its name; None where there is none, or it is that of an epoch."""
    epoch: int | None = None
    size_bytes: int
    time: datetime
    """When it was last written to."""
    is_folder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints(Noun):
    """The checkpoints of a job."""

    folder: str
    """Where they are, or would be."""
    checkpoints: tuple[Checkpoint, ...]
    """The newest first; of very many only those."""
    total: int
    size_bytes: int
    """Of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Noun):
    """What a stream of events begins with."""

    event: int
    """The last that happened before: what is told from now on is newer."""
    version: str
    """Of the mlmagic of the server."""
    time: datetime
    """By the server's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile(Noun):
    """A file of a job's package."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow(Noun):
    """A TensorBoard that runs."""

    key: str
    title: str
    path: str
    """Where a browser finds it, below the server's base URL: `mlmagic/tensorboard/KEY/`."""
    start_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Noun):
    """Why a request was refused, as one clear error."""

    message: str
    problems: tuple[str, ...] = ()
    hint: str | None = None
    column: int | None = None
    """Of a filter, where it goes wrong, from 1."""
    cost: str | None = None
    """What it costs, where the user has not agreed to that: the same request with `yes` in its body is an agreement."""
