"""Endpoints over REST: the list, their pages, traffic, start and stop, predictions, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mlmagic.api.deployment import deploy
from mlmagic.api.endpoint import Endpoint
from mlmagic.api.endpoints import endpoint
from mlmagic.api.idle_endpoints import idle_notice
from mlmagic.panels.times import utc_now
from mlmagic.server.endpoints_monitoring import open_alerts
from mlmagic.server.handler import Handler, Route, described, written
from mlmagic.server.handler_pages import page_of
from mlmagic.server.models_predictions import Instances, Predictions, ask_endpoint
from mlmagic.session import Session
from mlmagic.spec.endpoint import EndpointRecord, EndpointState
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import EndpointRow, Page, VersionShare
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(Noun):
    """How requests are to be split."""

    shares: Mapping[str, int]
    """Percents by version, such as 80 for `2`; together they are 100. Versions that are not named get none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed(Noun):
    """What an endpoint is to serve."""

    model: str
    """A version, such as `taxi@2`, with which it stays; a model, whose default it follows."""
    traffic: int | None = None
    """Percent of the requests for it; the others share the rest as they share now. Without it, it gets all."""
    yes: bool = False
    """The user agrees to what it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Noun):
    """How an endpoint is to be started."""

    yes: bool = False
    """The user agrees to what it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeployed(Noun):
    """Which version is to go."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(Noun):
    """There is nothing to be told."""


class EndpointsHandler(Handler):
    """The endpoints."""

    while_empty: ClassVar[Mapping[str, object]] = {"endpoints": []}

    @described({"endpoints": [EndpointRow]})
    async def get(self) -> None:
        """List the endpoints as they are now."""
        await self.respond(lambda: {"endpoints": list_endpoints(self.session)})


class EndpointHandler(Handler):
    """One endpoint."""

    @described({"page": Page, "endpoint": EndpointRow})
    async def get(self, name: str) -> None:
        """Show an endpoint, and how it is asked."""
        await self.respond(show_endpoint, self.session, name)

    @described()
    async def delete(self, name: str) -> None:
        """Stop and forget an endpoint; the model's versions stay."""
        await self.run_long(delete, self.session, name)
        self.answer()


class TrafficHandler(Handler):
    """The traffic of an endpoint."""

    @described(EndpointRow, body=Traffic)
    async def post(self, name: str) -> None:
        """Split the requests between versions; no request is lost meanwhile."""
        wanted = self.body(Traffic)
        self.answer(await self.run(set_traffic, self.session, name, wanted.shares))


class DeployHandler(Handler):
    """What an endpoint serves."""

    @described(EndpointRow, body=Deployed)
    async def post(self, name: str) -> None:
        """Let an endpoint serve a version, and return before it does; it is made if there is none of that name."""
        wanted = self.body(Deployed)
        self.answer(await self.run_long(deploy_version, self.session, name, wanted))


class StartHandler(Handler):
    """The start of an endpoint."""

    @described(EndpointRow, body=Started)
    async def post(self, name: str) -> None:
        """Start an endpoint that was stopped or has failed, and return before it serves."""
        wanted = self.body(Started)
        self.answer(await self.run_long(start, self.session, name, yes=wanted.yes))


class StopHandler(Handler):
    """The end of an endpoint's processes."""

    @described(EndpointRow, body=Nothing)
    async def post(self, name: str) -> None:
        """Stop an endpoint; its name, port and versions stay."""
        self.body(Nothing)
        self.answer(await self.run_long(stop, self.session, name))


class UndeployHandler(Handler):
    """The end of a version behind an endpoint."""

    @described(EndpointRow, body=Undeployed)
    async def post(self, name: str) -> None:
        """Take a version away; the others share its requests as they share theirs."""
        wanted = self.body(Undeployed)
        self.answer(await self.run(undeploy, self.session, name, wanted.version))


class EndpointPredictionHandler(Handler):
    """What an endpoint says."""

    @described(Predictions, body=Instances)
    async def post(self, name: str) -> None:
        """Ask an endpoint; which version answers is up to its traffic."""
        asked = self.body(Instances)
        self.finish(await self.run_long(lambda: written(ask_endpoint(self.session, name, asked.instances))))


def list_endpoints(session: Session) -> list[EndpointRow]:
    """Return a row for each endpoint, in order of name; of one whose file cannot be read, with nothing but that."""
    rows = [endpoint_row(session, record) for record in session.endpoints.list()]
    broken = EndpointStore(Database(session.workspace)).unreadable()
    rows += [
        EndpointRow(name=name, model="", state=EndpointState.FAILED, error=" ".join(str(error).split()))
        for name, error in broken.items()
    ]
    return sorted(rows, key=lambda row: row.name)


def endpoint_row(session: Session, record: EndpointRecord) -> EndpointRow:
    """Return an endpoint as the list shows it."""
    spec, status = record.spec, record.status
    return EndpointRow(
        name=spec.name,
        model=spec.model,
        state=status.state,
        shares=tuple(VersionShare(number=each.number, traffic=each.traffic) for each in spec.deployed),
        workers=sum(worker.state == "ready" for worker in status.workers),
        requests_per_second=status.requests_per_second,
        follows=spec.follows,
        error=status.error,
        backend=spec.backend,
        note=status.note,
        idle=idle_notice(record, utc_now()),
        alerts=open_alerts(session, spec.name),
        shadow=spec.shadow.version if spec.shadow is not None else None,
    )


def show_endpoint(session: Session, name: str) -> dict[str, object]:
    """Return the page of an endpoint, and its row.

    Raises:
        NotFoundError: there is none; names the nearest.
    """
    found = endpoint(name, session=session)
    return {"page": page_of(found, name), "endpoint": endpoint_row(session, found.record)}


def set_traffic(session: Session, name: str, shares: Mapping[str, int]) -> EndpointRow:
    """Split the requests; that it serves so is told by its row later.

    Raises:
        UsageError: the shares do not add up to 100, or versions differ in what they take; all is listed.
    """
    wanted: dict[int | str, int] = dict(shares.items())
    return _row(session, endpoint(name, session=session).set_traffic(wanted, wait=False))


def deploy_version(session: Session, name: str, wanted: Deployed) -> EndpointRow:
    """Let an endpoint serve a version; that it does is told by its row later.

    Raises:
        UsageError: arguments that do not fit, or it serves another model; all is listed.
        NotFoundError: no such model or version.
    """
    handle = deploy(wanted.model, endpoint=name, traffic=wanted.traffic, yes=wanted.yes, wait=False, session=session)
    return _row(session, handle)


def start(session: Session, name: str, *, yes: bool = False) -> EndpointRow:
    """Start an endpoint, without waiting until it serves."""
    return _row(session, endpoint(name, session=session).start(yes=yes, wait=False))


def stop(session: Session, name: str) -> EndpointRow:
    """End an endpoint's processes."""
    return _row(session, endpoint(name, session=session).stop())


def undeploy(session: Session, name: str, version: int) -> EndpointRow:
    """Take a version away.

    Raises:
        UsageError: it is not deployed, or the only one.
    """
    return _row(session, endpoint(name, session=session).undeploy(version, wait=False))


def delete(session: Session, name: str) -> None:
    """Stop and forget an endpoint."""
    endpoint(name, session=session).delete()


def _row(session: Session, handle: Endpoint) -> EndpointRow:
    return endpoint_row(session, handle.record)


ROUTES = (
    Route("endpoints", EndpointsHandler),
    Route("endpoints/{name}", EndpointHandler),
    Route("endpoints/{name}/traffic", TrafficHandler),
    Route("endpoints/{name}/deploy", DeployHandler),
    Route("endpoints/{name}/start", StartHandler),
    Route("endpoints/{name}/stop", StopHandler),
    Route("endpoints/{name}/undeploy", UndeployHandler),
    Route("endpoints/{name}/predict", EndpointPredictionHandler),
)
