"""What the containers of a job are to run, as `container.json` beside the engine's package tells them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlmagic.spec import codec
from mlmagic.spec.noun import Noun

FILE_NAME = "container.json"
PREEMPTED = ".preempted"
"""What the file is called, behind the replica's name, by which a container says that it ended with its machine."""
ENTRIES = ".entries"
"""The same of what it printed, a `LogEntry` a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerTask(Noun):
    """What the replicas of one worker pool run."""

    image_uri: str
    python: str | None = None
    """What the image declares, `3.10`; None where that is not known."""
    distributions: Mapping[str, str] = field(default_factory=dict)
    """Preinstalled ones by canonical name → how the version begins, or an empty text."""
    is_known: bool = False
    """The image is one that the emulator knows anything of."""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    package_uris: tuple[str, ...] = ()
    """Installed before `python_module` is run."""
    python_module: str | None = None
    """None for a container with a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerJob(Noun):
    """A job's containers and what they share."""

    job_id: str
    """The number that the API knows it by."""
    project: str
    location: str
    root: str
    """The emulator's folder."""
    tasks: Mapping[str, ContainerTask]
    """By worker pool: `workerpool0`."""
    output_uri: str | None = None
    """`gs://bucket/folder`, where the job has a base output directory."""
    tensorboard: str | None = None
    """The Tensorboard that the job names: kept, and told to programs; nothing is sent there."""
    start_delay_seconds: float = 0.0
    """How long machines take before any program begins."""
    restarts_when_preempted: bool = True

    @property
    def buckets(self) -> Path:
        """What containers see as `/gcs`."""
        return Path(self.root) / "buckets"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry(Noun):
    """A line that a program printed, as Cloud Logging keeps it."""

    time: str
    """RFC 3339, to the microsecond, so that texts sort as times do."""
    severity: str
    """INFO of standard output, ERROR of standard error."""
    text: str


def package_folder(environ: Mapping[str, str]) -> Path:
    """Return the engine's package folder, which begins the path that it gives to a replica."""
    return Path(environ["PYTHONPATH"].split(os.pathsep)[0])


def read_job(folder: Path) -> ContainerJob:
    """Return what the containers of a job are to run.

    Raises:
        OSError: the file cannot be read.
        DecodeError: it does not hold what it should.
    """
    return codec.loads(ContainerJob, (folder / FILE_NAME).read_bytes())
