"""All that an endpoint answers besides predictions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from mlmagic.serving.app import tfserving, vertex
from mlmagic.serving.app.deployed import Deployed, Routes, Table
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.metrics import CONTENT_TYPE, metrics_text
from mlmagic.serving.app.openapi import openapi
from mlmagic.serving.app.replies import TEXT, NotAllowed, Reply, page
from mlmagic.serving.app.usage import usage
from mlmagic.spec.endpoint import EndpointStatus, Limits

OPEN_PAGES = frozenset({"/healthz", "/readyz"})
"""What needs no token."""
RETRY_SECONDS = 1.0

Match = re.Match[str]
ReadStatus = Callable[[], EndpointStatus | None]

_VERSION = r"(?:/versions/(?P<version>[^/:]+)|/labels/(?P<label>[^/:]+))?"
_MODEL = rf"/v1/models/(?P<model>[^/:]+){_VERSION}"
_ENDPOINT = r"/v1/(?P<place>projects/[^/]+/locations/[^/]+)/endpoints/(?P<endpoint>[^/:]+)"


class Pages:
    """Answers for paths that are not those of a prediction; none of them is quick, and none needs to be."""

    def __init__(
        self, deployed: Deployed, limits: Limits, *, needs_token: bool, read_status: ReadStatus | None = None
    ) -> None:
        self._deployed = deployed
        self._read_status = read_status
        self._limits = limits
        self._needs_token = needs_token
        pages: dict[str, Callable[[Match], Reply]] = {
            r"/healthz": self._health,
            r"/readyz": self._readiness,
            r"/": self._index,
            r"/openapi\.json": self._openapi,
            r"/metrics": self._metrics,
            _MODEL: self._status,
            rf"{_MODEL}/metadata": self._metadata,
            _ENDPOINT: self._endpoint,
        }
        self._pages = [(re.compile(pattern), answer) for pattern, answer in pages.items()]
        self._asked = re.compile(rf"{_MODEL}:(?:predict|classify|regress)")
        self._asked_of_vertex = re.compile(rf"{_ENDPOINT}:(?:predict|rawPredict)")

    def answer(self, method: str, path: str) -> Reply:
        """Answer a request that is none for a prediction that can be made.

        Raises:
            RequestFailed: there is nothing under that path, or not for that method.
        """
        for pattern, answer in self._pages:
            if match := pattern.fullmatch(path):
                return _options("GET", "HEAD") if method == "OPTIONS" else self._get(method, match, answer)
        if not (self._asked.fullmatch(path) or self._asked_of_vertex.fullmatch(path)):
            raise RequestFailed(404, f"there is nothing under {path:.200}", hint="GET / says what there is.")
        if method == "OPTIONS":
            return _options("POST")
        if method != "POST":
            raise NotAllowed(method, path, ("POST", "OPTIONS"))
        return self.lost_route(path)

    def lost_route(self, path: str) -> NoReturn:
        """Say why a model cannot be asked under a path.

        Raises:
            RequestFailed: always.
        """
        if asked := self._asked.fullmatch(path):
            self._numbers(asked)
        elif asked := self._asked_of_vertex.fullmatch(path):
            vertex.check_endpoint(self.table, asked["endpoint"])
        raise RequestFailed(503, "this endpoint has just changed: ask again", retry_after=RETRY_SECONDS)

    @property
    def routes(self) -> Routes:
        """What is deployed, by path.

        Raises:
            RequestFailed: nothing yet.
        """
        if self._deployed.routes is None:
            raise RequestFailed(503, "this endpoint is starting: its model is being loaded", retry_after=RETRY_SECONDS)
        return self._deployed.routes

    @property
    def table(self) -> Table:
        """What is deployed."""
        return self.routes.table

    def _get(self, method: str, match: Match, answer: Callable[[Match], Reply]) -> Reply:
        if method not in {"GET", "HEAD"}:
            raise NotAllowed(method, match[0], ("GET", "HEAD", "OPTIONS"))
        return answer(match)

    def _health(self, _match: Match) -> Reply:
        return page({"status": "alive"})

    def _readiness(self, _match: Match) -> Reply:
        if self._deployed.is_draining:
            raise RequestFailed(503, "this worker is about to end", retry_after=RETRY_SECONDS)
        return page({"status": "ready", "model": self.table.model, "versions": sorted(self.table.versions)})

    def _index(self, _match: Match) -> Reply:
        return Reply(body=usage(self.table, needs_token=self._needs_token).encode(), content_type=TEXT)

    def _openapi(self, _match: Match) -> Reply:
        return page(openapi(self.table, self._limits, needs_token=self._needs_token))

    def _metrics(self, match: Match) -> Reply:
        status = None if self._read_status is None else self._read_status()
        if status is None:
            raise RequestFailed(404, f"there is nothing under {match[0]}: nobody counts what this endpoint does")
        return Reply(body=metrics_text(self.table, status).encode(), content_type=CONTENT_TYPE)

    def _status(self, match: Match) -> Reply:
        return page(tfserving.status(self._numbers(match)))

    def _metadata(self, match: Match) -> Reply:
        names_one = match["version"] or match["label"]
        numbers = self._numbers(match)
        return page(tfserving.metadata(self.table, numbers[0] if names_one else self.table.main))

    def _numbers(self, match: Match) -> list[int]:
        return tfserving.numbers_asked(self.table, match["model"], match["version"], match["label"])

    def _endpoint(self, match: Match) -> Reply:
        vertex.check_endpoint(self.table, match["endpoint"])
        return page(vertex.resource(self.table, match["place"]))


def _options(*methods: str) -> Reply:
    return Reply(status=204, headers=((b"allow", ", ".join((*methods, "OPTIONS")).encode()),))
