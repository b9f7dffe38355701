"""What a worker serves now: versions, their shares of the traffic, and the paths under which they are asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.serving.app.access import Headers
from mlmagic.serving.app.request import Dialect
from mlmagic.serving.app.served import ServedVersion
from mlmagic.serving.app.traffic import Split
from mlmagic.serving.request_log.log import RequestLog
from mlmagic.serving.shadow.tap import ShadowTap
from mlmagic.spec.model import Signature

_KEY_HEADER = b"x-mlmagic-key"
_VERSION_HEADER = b"x-mlmagic-version"
_VERBS = {"predict": Dialect.PREDICT, "classify": Dialect.CLASSIFY, "regress": Dialect.REGRESS}
_VERTEX = re.compile(r"/v1/(projects/[^/]+/locations/[^/]+)/endpoints/([^/:]+):(predict|rawPredict)")
_MOST_VERTEX_PATHS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is deployed. All versions of an endpoint have the same inputs and outputs."""

    endpoint: str
    model: str
    versions: Mapping[int, ServedVersion]
    traffic: Mapping[int, int]
    """Percent by version; those of all versions add up to 100."""
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Of the model; those that point at a version that is not deployed are not served."""

    @property
    def labels(self) -> dict[str, int]:
        """The aliases under which a version can be asked."""
        return {alias: number for alias, number in sorted(self.aliases.items()) if number in self.versions}

    @property
    def main(self) -> int:
        """The version that gets most of the traffic."""
        return max(self.versions, key=lambda number: (self.traffic.get(number, 0), number))

    @property
    def signature(self) -> Signature:
        """What it takes and answers."""
        return self.versions[self.main].signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The version that answers a request."""

    version: ServedVersion
    header: tuple[bytes, bytes]
    """Of the reply: what the version is called, such as `taxi@2`."""
    trailer: bytes = b""
    """What goes into the reply after the predictions."""


class Route:
    """What a path asks for."""

    __slots__ = ("_choices", "_only", "_split", "dialect")

    def __init__(self, dialect: Dialect, choices: Mapping[int, Choice], split: Split) -> None:
        self.dialect = dialect
        self._choices = choices
        self._split = split
        self._only = choices[split.only] if split.only is not None else None

    def choose(self, headers: Headers) -> Choice:
        """Return the version for one request."""
        if self._only is not None:
            return self._only
        key = headers.get(_KEY_HEADER)
        return self._choices[self._split.pick() if key is None else self._split.pick_for(key)]


class Routes:
    """The paths of a table under which a model is asked."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._split = Split(table.traffic)
        self._paths: dict[str, Route] = {}
        self._vertex: dict[str, Route] = {}
        choices = self._choices()
        for verb, dialect in _VERBS.items():
            base = f"/v1/models/{table.model}"
            self._paths[f"{base}:{verb}"] = Route(dialect, choices, self._split)
            for number in choices:
                self._paths[f"{base}/versions/{number}:{verb}"] = Route(dialect, choices, Split({number: 100}))
            for label, number in table.labels.items():
                self._paths[f"{base}/labels/{label}:{verb}"] = Route(dialect, choices, Split({number: 100}))

    def find(self, path: str) -> Route | None:
        """Return what a path asks for; None where it is no path of a model that is served here."""
        return self._paths.get(path) or self._vertex.get(path) or self._find_vertex(path)

    def _find_vertex(self, path: str) -> Route | None:
        match = _VERTEX.fullmatch(path)
        if match is None or match[2] != self.table.endpoint:
            return None
        if match[3] == "rawPredict":
            route = Route(Dialect.PREDICT, self._choices(), self._split)
        else:
            route = Route(Dialect.VERTEX, self._choices(match[1]), self._split)
        # Any project and location will do, so there may be any number of these paths.
        if len(self._vertex) < _MOST_VERTEX_PATHS:
            self._vertex[path] = route
        return route

    def _choices(self, place: str | None = None) -> dict[int, Choice]:
        """Return all versions; those for a place of Vertex AI's tell in the reply who answered."""
        table = self.table
        return {
            number: Choice(
                version=version,
                header=(_VERSION_HEADER, f"{table.model}@{number}".encode()),
                trailer=b"" if place is None else _trailer(place, table.model, number),
            )
            for number, version in sorted(table.versions.items())
        }


class Deployed:
    """The table of a worker. Requests see the old one or the new one, never a mixture.

    A version that `swap` takes away gets no more requests once it returns, so it may then be closed.
    """

    def __init__(self, table: Table | None = None) -> None:
        self.routes = None if table is None else Routes(table)
        self.log: RequestLog | None = None
        self.shadow: ShadowTap | None = None
        self.is_draining = False
        self.closing: float = 0
        """So many of the next answers close their connection; see `shed`."""

    def swap(self, table: Table) -> None:
        """Serve another table from the next request on."""
        self.routes = Routes(table)

    def shed(self, connections: float) -> None:
        """Let that many of the next answers close their connection, so that its client connects to another worker."""
        self.closing = connections

    def drain(self) -> None:
        """Be no longer ready, and let every answer from now on close its connection."""
        self.is_draining = True
        self.closing = float("inf")


def _trailer(place: str, model: str, number: int) -> bytes:
    told = {
        "deployedModelId": str(number),
        "model": f"{place}/models/{model}",
        "modelDisplayName": model,
        "modelVersionId": str(number),
    }
    return b"," + json.dumps(told).encode()[1:]
