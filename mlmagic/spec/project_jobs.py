"""Jobs of a project of Google Cloud that this workspace has not made: others did, or a console, or another SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobState
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectJob(Noun):
    """A job as Google Cloud tells it; it has no record here."""

    name: str
    """`projects/P/locations/R/customJobs/N`."""
    display_name: str
    service: str
    """What runs it: `custom job`, `study`, `batch prediction` or `Dataflow`."""
    state: JobState
    labels: Mapping[str, str] = field(default_factory=dict)
    create_time: datetime
    start_time: datetime | None = None
    end_time: datetime | None = None
    error: str | None = None

    @property
    def number(self) -> str:
        """The end of its name, by which gcloud knows it."""
        return self.name.rpartition("/")[2]

    @property
    def document(self) -> dict[str, Any]:
        """The same in the form of a job's record, which is what filters are about."""
        told = encode(self)
        spec = {"displayName": self.display_name, "labels": dict(self.labels)}
        error = {} if self.error is None else {"error": {"message": self.error}}
        return told | {"id": self.number, "spec": spec} | error


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectJobs(Noun):
    """The newest of them, the newest first."""

    backend: str
    place: str
    """`project P, us-central1`."""
    jobs: tuple[ProjectJob, ...] = ()
    has_more: bool = False
    problems: tuple[str, ...] = ()
    """What could not be asked for, and why."""
