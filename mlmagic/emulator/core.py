"""What every service of the emulator is given: a call, and the parts that all of them share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmagic.emulator.documents import DocumentStore
    from mlmagic.emulator.faults import Faults
    from mlmagic.emulator.operations import Operations
    from mlmagic.emulator.storage.store import ObjectStore

_NAME = re.compile(r"projects/([^/]+)(?:/locations/([^/]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request for an RPC, read and checked against its definition.

    `request` is the message in snake_case: enums by name, 64-bit integers as text, times in RFC 3339, what is unset
    left out. What stands in the address is in it, as "parent", "name" and so on.
    """

    rpc: str
    request: dict[str, Any]
    project: str
    location: str
    headers: dict[str, str] = field(default_factory=dict)
    """What is told beside the answer: headers over HTTP, metadata over gRPC."""

    @property
    def parent(self) -> str:
        """`projects/P/locations/R`, below which everything that this call is about stands."""
        return f"projects/{self.project}/locations/{self.location}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The shared parts of one emulator."""

    root: Path
    project: str
    region: str
    documents: DocumentStore
    operations: Operations
    objects: ObjectStore
    faults: Faults

    @property
    def bucket(self) -> str:
        """A bucket that is there from the start."""
        return f"{self.project}-bucket"

    @property
    def buckets(self) -> Path:
        """The folder of all buckets: what a job sees as /gcs."""
        return self.root / "buckets"

    @property
    def engine_folder(self) -> Path:
        """The workspace of the local engine, in which jobs and endpoints run."""
        return self.root / "engine"


def whereabouts(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the project and the location that a request names, each empty if it does not."""
    if "project_id" in request:
        return str(request["project_id"]), str(request.get("location", ""))
    for text in _texts(request):
        if found := _NAME.match(text):
            return found[1], found[2] or ""
    return "", ""


def _texts(document: Mapping[str, Any]) -> Iterator[str]:
    inner = []
    for value in document.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            inner.append(value)
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))
    for value in inner:
        if isinstance(value.get("name"), str):
            yield value["name"]
