"""The logs of a job over REST, by lines: a part of them, or where something stands in them."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.live_views import Views, views_of
from mlmagic.server.log_index import LogIndex
from mlmagic.server.log_lines import MOST_LINES, read_lines
from mlmagic.server.log_search import LogQuery, LogSearch
from mlmagic.spec.job import ReplicaRole
from mlmagic.spec.log import Severity
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import LogLines, LogMatches, LogSource
from mlmagic.workspace.files import explained

_MOST_MATCHES = 10_000
_LONGEST_TEXT = 1_000
_REPLICA = re.compile(r"([a-z]+)-(0|[1-9]\d{0,5})", re.ASCII)
_ROLES = list(ReplicaRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesQuery(Noun):
    """Which lines are wanted."""

    first: int = -MOST_LINES
    """The number of the first, from 0; less than 0 counts from the end."""
    count: int = MOST_LINES


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery(Noun):
    """What is looked for in a log."""

    text: str = ""
    """As it stands, no pattern."""
    severity: Severity | None = None
    """Only lines that are that grave."""
    case: bool = False
    """Capital letters are not small ones."""
    from_: int = 0
    """The line to begin at."""
    limit: int = 1_000


class LogSourcesHandler(Handler):
    """The logs of a job."""

    @described({"sources": [LogSource]})
    async def get(self, job: str) -> None:
        """List the logs of a job: one for each replica that has printed something."""
        await self.respond(lambda: {"sources": log_sources(views_of(self.session), job)})


class LogLinesHandler(Handler):
    """The log of a replica."""

    @described(LogLines, query=LinesQuery)
    async def get(self, job: str, replica: str) -> None:
        """Read lines of a log; by default its end."""
        query, views = self.query(LinesQuery), views_of(self.session)
        await self.respond(log_lines, views, job, replica, query)


class LogSearchHandler(Handler):
    """A search in the log of a replica."""

    @described(LogMatches, query=SearchQuery)
    async def get(self, job: str, replica: str) -> None:
        """Find the lines of a log that have a text in them."""
        query, views = self.query(SearchQuery), views_of(self.session)
        search = await self.run(log_search, views, job, replica, query)
        try:
            # Piece by piece: others have their turn between, and nothing is looked for that nobody waits for.
            while await self.run(search.go_on):
                pass
            await self.respond(search.result)
        finally:
            search.close()


def log_sources(views: Views, job_id: str) -> list[LogSource]:
    """Return the logs that a job has by now, the chief's first.

    Raises:
        NotFoundError: there is no such job.
    """
    views.jobs.get(job_id)
    found = []
    for name, path in _logs(views, job_id).items():
        # The job may be deleted just now.
        with contextlib.suppress(FileNotFoundError):
            found.append(LogSource(replica=name, size_bytes=path.stat().st_size))
    return found


def log_lines(views: Views, job_id: str, replica: str, query: LinesQuery) -> LogLines:
    """Return lines of a replica's log.

    Raises:
        NotFoundError: there is no such job, or it has no such replica; names those that it has.
        UsageError: the query makes no sense.
    """
    if not 0 <= query.count <= MOST_LINES:
        raise UsageError(f"count is from 0 to {MOST_LINES}, not {query.count}.")
    index = _index_of(views, job_id, replica)
    with explained(f"read the log of {replica} of job {job_id}"):
        return read_lines(index, query.first, query.count)


def log_search(views: Views, job_id: str, replica: str, query: SearchQuery) -> LogSearch:
    """Begin to search a replica's log.

    Raises:
        NotFoundError: there is no such job, or it has no such replica; names those that it has.
        UsageError: the query makes no sense; all that is wrong is listed.
    """
    problems = []
    if not query.text and query.severity is None:
        problems.append("there is neither a text nor a severity to look for.")
    if len(query.text) > _LONGEST_TEXT:
        problems.append(f"a text has at most {_LONGEST_TEXT:,} characters; this one has {len(query.text):,}.")
    if query.from_ < 0:
        problems.append(f"from is the number of a line, from 0, not {query.from_}.")
    if not 1 <= query.limit <= _MOST_MATCHES:
        problems.append(f"limit is from 1 to {_MOST_MATCHES:,}, not {query.limit}.")
    if problems:
        raise UsageError("the log cannot be searched for that:", problems=problems)
    index = _index_of(views, job_id, replica)
    wanted = LogQuery(
        text=query.text, severity=query.severity, is_case=query.case, first=query.from_, limit=query.limit
    )
    with explained(f"search the log of {replica} of job {job_id}"), contextlib.ExitStack() as opened:
        search = LogSearch(opened.enter_context(index.open()), wanted)
        # From here on whoever searches closes it.
        opened.pop_all()
        return search


def _index_of(views: Views, job_id: str, replica: str) -> LogIndex:
    views.jobs.get(job_id)
    logs = _logs(views, job_id)
    # The chief has a log, or will have one.
    if replica != "chief-0" and replica not in logs:
        known = ", ".join(logs) or "none yet"
        raise NotFoundError(f"job {job_id} has no replica {replica}; it has {known}.")
    return views.logs.of(logs.get(replica) or views.workspace.job(job_id).log())


def _logs(views: Views, job_id: str) -> dict[str, Path]:
    found = {}
    for path in views.workspace.job(job_id).logs.glob("*.log"):
        match = _REPLICA.fullmatch(path.stem)
        if match and match[1] in _ROLES:
            found[_ROLES.index(ReplicaRole(match[1])), int(match[2])] = path
    return {found[key].stem: found[key] for key in sorted(found)}


ROUTES = (
    Route("jobs/{job}/logs", LogSourcesHandler),
    Route("jobs/{job}/logs/{replica}", LogLinesHandler),
    Route("jobs/{job}/logs/{replica}/search", LogSearchHandler),
)
