"""What a job takes of the machine, over REST: all that is kept, or what has come since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.live_views import Views, views_of
from mlmagic.spec.noun import Noun
from mlmagic.spec.usage import Usage
from mlmagic.workspace.files import explained
from mlmagic.workspace.usage import read_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery(Noun):
    """From when on usage is wanted."""

    after: datetime | None = None
    """The time of the last sample that is known; nothing for all of them."""


class UsageHandler(Handler):
    """What a job takes of the machine."""

    @described(Usage, query=UsageQuery)
    async def get(self, job: str) -> None:
        """Tell how many cores and how much memory each replica took over time."""
        after, views = self.query(UsageQuery).after, views_of(self.session)
        await self.respond(usage_of, views, job, after)


def usage_of(views: Views, job_id: str, after: datetime | None = None) -> Usage:
    """Return the samples of a job that are newer than that, by time.

    Raises:
        NotFoundError: there is no such job.
        WorkspaceError: they cannot be read.
    """
    views.jobs.get(job_id)
    with explained(f"read the usage of job {job_id}"):
        usage = read_usage(views.workspace.job(job_id))
    if after is None:
        return usage
    return Usage(samples=tuple(sample for sample in usage.samples if sample.time > after))


ROUTES = (Route("jobs/{job}/usage", UsageHandler),)
