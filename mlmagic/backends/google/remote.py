"""A job as Google tells of it, and what is kept of it in our job's folder."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmagic.backends.google.kept_notes import locked, read_kept, write_kept
from mlmagic.spec.noun import Noun
from mlmagic.spec.study import Measurement
from mlmagic.workspace.layout import JobFolder

_STATUS = re.compile(r"exited with a non-zero status of (\d+)")
_REPLICA = re.compile(r"[Rr]eplica (workerpool\d-\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTrial:
    """A trial of a HyperparameterTuningJob."""

    number: int
    state: str
    """Google's word, `ACTIVE`."""
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    start_time: datetime | None = None
    end_time: datetime | None = None
    final: Measurement | None = None
    reason: str | None = None
    """Why it is INFEASIBLE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteJob:
    """A CustomJob, or a HyperparameterTuningJob."""

    name: str
    """`projects/P/locations/R/customJobs/N`, or `…/hyperparameterTuningJobs/N`."""
    display_name: str = ""
    state: str
    """Google's word."""
    labels: dict[str, str] = field(default_factory=dict)
    create_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    error: str | None = None
    trials: tuple[RemoteTrial, ...] = ()

    @property
    def number(self) -> str:
        """By which its log is found."""
        return self.name.rpartition("/")[2]

    @property
    def exit_code(self) -> int | None:
        """The program's exit status, -N for signal N; None where the error tells none."""
        match = _STATUS.search(self.error or "")
        if match is None:
            return None
        status = int(match[1])
        # A container's status tells a signal as a shell does.
        return 128 - status if status > 128 else status

    @property
    def failed_task(self) -> str | None:
        """`workerpool1-0`, the replica that failed, where the error tells it."""
        match = _REPLICA.search(self.error or "")
        return match[1] if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in a bucket, as it was when it was listed."""

    bucket: str
    """Without `gs://`."""
    name: str
    size: int
    generation: int
    """Another one with each time that it is written."""
    crc32c: str
    """Of its bytes, as Cloud Storage writes it."""
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRecord(Noun):
    """`remote.json`: what the newest attempt is in Google Cloud; written before Google is asked for it, and after."""

    attempt: int
    project: str
    region: str
    sent_time: datetime
    """When Google was asked for it last."""
    name: str | None = None
    """The job's; None as long as no answer has come. Of a trial, its study's."""
    trial: int | None = None
    """Of a trial that Vertex AI made, its number."""
    state: str | None = None
    """Google's word, the last that was heard."""
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    earlier: tuple[str, ...] = ()
    """The CustomJobs of the attempts before."""
    output: str | None = None
    """Where its `model/`, `checkpoints/` and `logs/` are, as it was sent; None of jobs that were sent before this."""
    launches: int = 0
    """On Dataflow: how often a process was started that was to ask for the job."""
    uploaded: Mapping[str, str] = field(default_factory=dict)
    """On Dataflow: where input files of this machine were brought to, and what they are called here."""


def read_remote(folder: JobFolder) -> RemoteRecord | None:
    """Return what is kept; None before anything was sent."""
    return read_kept(RemoteRecord, folder.remote)


def write_remote(folder: JobFolder, remote: RemoteRecord) -> None:
    """Replace what is kept, down to the disk."""
    write_kept(folder.remote, remote)


@contextlib.contextmanager
def held(folder: JobFolder, *, wait: bool = False) -> Iterator[bool]:
    """Hold the job's lock, and yield whether it could be had; it ends with the process that holds it."""
    with locked(folder.remote_lock, wait=wait) as lock:
        yield lock is not None
