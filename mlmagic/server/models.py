"""Models over REST: the list, the pages of models and versions, the default, predictions, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mlmagic.api.model_deletion import delete_model
from mlmagic.api.models import describe_model, model
from mlmagic.errors import NotFoundError
from mlmagic.server.handler import Handler, Route, described, written
from mlmagic.server.handler_pages import page_of
from mlmagic.server.models_predictions import Instances, Predictions, predict_version
from mlmagic.session import Session
from mlmagic.spec.model import Model, ModelSummary, ModelVersion
from mlmagic.spec.names import parse_model_reference
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import ModelRow, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDefault(Noun):
    """Which version is to answer when none is named."""

    version: int
    min_improvement: str | float | None = None
    """Only if it is better than the default by this much: `1%`, or `0.01` of the metric."""
    yes: bool = False
    """Also where endpoints that follow cost money."""


class ModelsHandler(Handler):
    """The models."""

    while_empty: ClassVar[Mapping[str, object]] = {"models": []}

    @described({"models": [ModelRow]})
    async def get(self) -> None:
        """List the models."""
        await self.respond(lambda: {"models": list_models(self.session)})


class ModelHandler(Handler):
    """One model."""

    @described({"page": Page, "model": Model})
    async def get(self, name: str) -> None:
        """Show a model with its versions."""
        await self.respond(show_model, self.session, name)

    @described()
    async def delete(self, name: str) -> None:
        """Remove a model with all its versions."""
        await self.run(delete_model, name, session=self.session)
        self.answer()


class VersionHandler(Handler):
    """One version."""

    @described({"page": Page, "version": ModelVersion})
    async def get(self, name: str, number: str) -> None:
        """Show a version: where it came from, what it takes and returns, where it is used."""
        await self.respond(show_version, self.session, name, int(number))

    @described()
    async def delete(self, name: str, number: str) -> None:
        """Remove a version; its number is not given again."""
        await self.run(delete_model, f"{name}@{number}", session=self.session)
        self.answer()


class DefaultHandler(Handler):
    """The default version of a model."""

    @described(ModelRow, body=NewDefault)
    async def post(self, name: str) -> None:
        """Let a version answer when none is named; endpoints that follow the default follow, in their own time."""
        wanted = self.body(NewDefault)
        # To tell whether it is better, both versions may have to be evaluated.
        run = self.run if wanted.min_improvement is None else self.run_long
        self.answer(await run(set_default, self.session, name, wanted))


class VersionPredictionHandler(Handler):
    """What a version says."""

    @described(Predictions, body=Instances)
    async def post(self, name: str, number: str) -> None:
        """Predict with a version, through an endpoint where one serves it."""
        asked = self.body(Instances)
        reference = f"{name}@{number}"
        self.finish(await self.run_long(lambda: written(predict_version(self.session, reference, asked.instances))))


def list_models(session: Session) -> list[ModelRow]:
    """Return a row for each model, in order of name."""
    return [model_row(summary) for summary in session.models.summaries()]


def model_row(summary: ModelSummary) -> ModelRow:
    """Return a model as the list shows it."""
    default = summary.default
    return ModelRow(
        name=summary.model.name,
        default=default.number if default else None,
        latest=summary.latest.number,
        versions=summary.versions,
        update_time=summary.latest.create_time,
        metrics=default.origin.metrics if default else {},
        endpoints=summary.endpoints,
    )


def show_model(session: Session, name: str) -> dict[str, object]:
    """Return the page of a model, and the model.

    Raises:
        NotFoundError: there is none; names the nearest.
    """
    found = model(name, session=session)
    return {"page": page_of(found, name), "model": found.record}


def show_version(session: Session, name: str, number: int) -> dict[str, object]:
    """Return the page of a version, and the version.

    Raises:
        NotFoundError: there is none.
    """
    reference = f"{name}@{number}"
    page = page_of(describe_model(reference, session=session), reference)
    return {"page": page, "version": session.models.resolve(parse_model_reference(reference))}


def set_default(session: Session, name: str, wanted: NewDefault) -> ModelRow:
    """Let a version be the default, and return the model's row. Endpoints that follow it have been told to move.

    Raises:
        NotFoundError: there is no such model or version.
        NotBetterError: it is not better by as much as was asked for.
        ConsentError: endpoints that follow it cost money, and the user has not agreed to that.
    """
    handle = model(name, session=session)
    handle.set_default(wanted.version, min_improvement=wanted.min_improvement, wait=False, yes=wanted.yes)
    for summary in session.models.summaries():
        if summary.model.name == name:
            return model_row(summary)
    raise NotFoundError(f"the model {name!r} was deleted meanwhile.")


ROUTES = (
    Route("models", ModelsHandler),
    Route("models/{name}", ModelHandler),
    Route("models/{name}/default", DefaultHandler),
    Route("models/{name}/versions/{number}", VersionHandler),
    Route("models/{name}/versions/{number}/predict", VersionPredictionHandler),
)
