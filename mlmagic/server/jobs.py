"""One job over REST: what is known of it, its package, and what can be done with it. Lists are in `job_rows`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from mlmagic.api.comparison import compare_jobs
from mlmagic.api.description import describe
from mlmagic.api.study import job_of
from mlmagic.panels.samples import bounded
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.handler_pages import page_of
from mlmagic.server.job_rows import read_row
from mlmagic.server.jobs_package import list_files, read_file
from mlmagic.server.jobs_page import page_facts
from mlmagic.session import Session
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import JobRow, PackageFile, Page
from mlmagic.spec.report import JobDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Noun):
    """Which jobs are compared."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun(Noun):
    """How a job is to run once more."""

    arguments: tuple[str, ...] = ()
    """Flags of the program, each in the place of what it was; all others stay."""
    yes: bool = False
    """The user agrees to what it costs."""


class ComparisonHandler(Handler):
    """Jobs side by side."""

    @described(Page, query=Compared)
    async def get(self) -> None:
        """Compare jobs; one alone is a study, and means its trials."""
        ids = self.query(Compared).ids
        await self.respond(comparison, self.session, ids)


class JobHandler(Handler):
    """One job."""

    @described(JobDescription)
    async def get(self, job: str) -> None:
        """Tell all that is known about a job but its log."""
        await self.respond(description, self.session, job)

    @described()
    async def delete(self, job: str) -> None:
        """Remove a job that has ended, with its log and what it wrote; a model version that it made stays."""
        await self.run_long(delete, self.session, job)
        self.answer()


class JobPageHandler(Handler):
    """The page of a job."""

    @described(Page)
    async def get(self, job: str) -> None:
        """Show a job; of a study, its trials."""
        await self.respond(job_page, self.session, job)


class PackageHandler(Handler):
    """The package of a job."""

    @described({"files": [PackageFile]})
    async def get(self, job: str) -> None:
        """List the files of a job's package."""
        await self.respond(lambda: {"files": list_files(self.session, job)})


class PackageFileHandler(Handler):
    """A file of the package of a job."""

    @described({"path": str, "text": str})
    async def get(self, job: str, path: str) -> None:
        """Read a file of a job's package that is text."""
        await self.respond(lambda: {"path": path, "text": read_file(self.session, job, path)})


class CancelHandler(Handler):
    """The end of a job."""

    @described(JobRow)
    async def post(self, job: str) -> None:
        """Ask a job to end; one that has ended stays as it is."""
        self.answer(await self.run(cancel, self.session, job))


class RerunHandler(Handler):
    """A job once more."""

    @described(JobRow, body=Rerun, status=201)
    async def post(self, job: str) -> None:
        """Submit a job's package once more, with other arguments if told."""
        wanted = self.body(Rerun)
        self.answer(await self.run(run_again, self.session, job, wanted), 201)


def description(session: Session, job_id: str) -> JobDescription:
    """Return what is known of a job, the samples of its usage thinned out; its log has an address of its own."""
    known = describe(session.jobs, job_id)
    return dataclasses.replace(known, log_tail="", usage=bounded(known.usage))


def job_page(session: Session, job_id: str) -> Page:
    """Return a job's panel; a study's shows its trials."""
    job = job_of(session, job_id)
    page = page_of(job, job.spec.display_name)
    return dataclasses.replace(page, bundle={**page.bundle, **page_facts(session, job.id, job.spec)})


def comparison(session: Session, ids: tuple[str, ...]) -> Page:
    """Return jobs side by side.

    Raises:
        UsageError: none are named, or several that are not there.
        NotFoundError: one is not there.
    """
    return page_of(compare_jobs(*ids, session=session), "Comparison")


def cancel(session: Session, job_id: str) -> JobRow:
    """Ask a job to end."""
    job_of(session, job_id).cancel()
    return read_row(session, job_id)


def delete(session: Session, job_id: str) -> None:
    """Remove a job that has ended."""
    job_of(session, job_id).delete()


def run_again(session: Session, job_id: str, wanted: Rerun) -> JobRow:
    """Submit a job's package once more, and tell of the new job.

    It runs where it ran: the kernel that it came from may have another environment than this server.
    """
    old = job_of(session, job_id)
    python = old.spec.python if old.spec.python and Path(old.spec.python).exists() else None
    return read_row(session, old.rerun(wanted.arguments, python=python, yes=wanted.yes).id)


ROUTES = (
    # Before the ids, of which none looks so.
    Route("jobs/compare", ComparisonHandler),
    Route("jobs/{job}", JobHandler),
    Route("jobs/{job}/page", JobPageHandler),
    Route("jobs/{job}/package", PackageHandler),
    Route("jobs/{job}/package/{path}", PackageFileHandler),
    Route("jobs/{job}/cancel", CancelHandler),
    Route("jobs/{job}/rerun", RerunHandler),
)
