"""An endpoint as Google tells of it, and what is kept of it in our endpoint's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmagic.backends.google.kept_notes import locked, read_kept, write_kept
from mlmagic.spec.endpoint import EndpointSpec
from mlmagic.spec.noun import Noun
from mlmagic.workspace.endpoint_folder import EndpointFolder

_RETRIED = frozenset({10, 14})
"""ABORTED and UNAVAILABLE of google.rpc.Code: nothing was wrong with what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDeployed:
    """A model behind an endpoint of Vertex AI."""

    id: str
    model: str
    """`projects/P/locations/R/models/M`."""
    version: str
    """Vertex AI's."""
    min_replicas: int
    max_replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEndpoint:
    """An endpoint of Vertex AI, as it is now."""

    name: str
    """`projects/P/locations/R/endpoints/N`."""
    deployed: Mapping[str, RemoteDeployed] = field(default_factory=dict)
    """By id; of those that we deployed, it is the number of the version."""
    traffic: Mapping[str, int] = field(default_factory=dict)
    """Percents by id; who has none is not in it."""
    create_time: str = ""
    """As Google writes it, which sorts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What takes Google longer than a call."""

    name: str
    is_done: bool = False
    error: str | None = None
    """Why it failed, where it has."""
    code: int = 0
    """Of the error, from google.rpc.Code."""
    response: Mapping[str, str] = field(default_factory=dict)
    """What it answers with, as far as it is texts."""
    kind: str = ""
    """Of its metadata: `DeployModelOperationMetadata`."""

    @property
    def is_to_be_repeated(self) -> bool:
        """Whether it failed for want of a server, not for what was asked for."""
        return self.error is not None and self.code in _RETRIED


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointNotes(Noun):
    """`remote.json`: what an endpoint is in Google Cloud; written before Google is asked for something, and after."""

    project: str
    region: str
    update_time: datetime
    sent_time: datetime | None = None
    """When Google was asked for the endpoint last."""
    name: str | None = None
    """The endpoint's; None as long as no answer has come."""
    operation: str | None = None
    """What is under way, by its name."""
    doing: str | None = None
    """That in our words: `deploys taxi@2`."""
    attempts: int = 0
    """How often what is under way has failed for want of a server."""
    deployed: tuple[int, ...] = ()
    """Versions that we have asked for, and may therefore take away."""
    served: EndpointSpec | None = None
    """The newest spec that is served as it says."""
    refused_generation: int = 0
    returned_generation: int = 0
    """Which we wrote ourselves after that, with what is served."""
    refused_version: int = 0
    """Where the alias pointed that it follows, when that was refused: it is not moved there again by itself."""
    error: str | None = None
    """Why that was refused, or what has become of the endpoint."""
    note: str | None = None
    """How it differs from the spec, where somebody else has changed it."""


def read_notes(folder: EndpointFolder) -> EndpointNotes | None:
    """Return what is kept; None before anything was sent."""
    return read_kept(EndpointNotes, folder.remote)


def write_notes(folder: EndpointFolder, notes: EndpointNotes) -> EndpointNotes:
    """Replace what is kept, down to the disk, and return it."""
    write_kept(folder.remote, notes)
    return notes


@contextlib.contextmanager
def held_endpoint(folder: EndpointFolder) -> Iterator[bool]:
    """Hold the endpoint's lock, and yield whether it could be had; it ends with the process that holds it."""
    with locked(folder.remote_lock) as lock:
        yield lock is not None
