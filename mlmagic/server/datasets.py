"""Datasets over REST: the list, the pages of versions, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mlmagic.api.datasets import dataset, datasets
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.handler_pages import page_of
from mlmagic.session import Session
from mlmagic.spec.dataset import DatasetVersion
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import DatasetRow, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(Noun):
    """What of a version is to go."""

    also_files: bool = False
    """The user wants its files in a bucket to go, too."""


class DatasetsHandler(Handler):
    """The datasets."""

    while_empty: ClassVar[Mapping[str, object]] = {"datasets": []}

    @described({"datasets": [DatasetRow]})
    async def get(self) -> None:
        """List the datasets, each by its newest version."""
        await self.respond(lambda: {"datasets": list_datasets(self.session)})


class DatasetHandler(Handler):
    """One version of a dataset."""

    @described({"page": Page})
    async def get(self, name: str, number: str) -> None:
        """Show a version: its columns, its splits, what looks wrong."""
        await self.respond(lambda: {"page": dataset_page(self.session, name, int(number))})

    @described(body=Deleted)
    async def delete(self, name: str, number: str) -> None:
        """Remove a version; models that were trained on it keep what they learned."""
        wanted = self.body(Deleted)
        await self.run_long(delete, self.session, name, int(number), also_files=wanted.also_files)
        self.answer()


def list_datasets(session: Session) -> list[DatasetRow]:
    """Return a row for each dataset."""
    # One that was deleted meanwhile has no versions.
    found = (session.datasets.versions(each.name) for each in datasets(session=session))
    return [dataset_row(versions) for versions in found if versions]


def dataset_row(versions: list[DatasetVersion]) -> DatasetRow:
    """Return a dataset as the list shows it; its versions come in ascending order."""
    newest = versions[-1]
    return DatasetRow(
        name=newest.dataset,
        number=newest.number,
        versions=len(versions),
        rows=newest.schema.rows,
        columns=len(newest.schema.columns),
        total_bytes=sum(version.size_bytes for version in versions),
        create_time=newest.create_time,
        location=newest.origin.location,
    )


def dataset_page(session: Session, name: str, number: int) -> Page:
    """Return the page of a version.

    Raises:
        NotFoundError: there is none; names the nearest.
    """
    reference = f"{name}@{number}"
    return page_of(dataset(reference, session=session).describe(), reference)


def delete(session: Session, name: str, number: int, *, also_files: bool = False) -> None:
    """Remove a version; what Dataflow wrote of it into a bucket stays there, unless that is to go, too.

    Raises:
        ConflictError: a job that has not ended reads it.
        UsageError, BackendError: its files in the bucket cannot be deleted; then it is still here, too.
    """
    dataset(f"{name}@{number}", session=session).delete(yes=also_files, keep_files=not also_files)


ROUTES = (
    Route("datasets", DatasetsHandler),
    Route("datasets/{name}/versions/{number}", DatasetHandler),
)
