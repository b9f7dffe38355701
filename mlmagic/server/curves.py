"""The curves of a job over REST: all of them, or what has come since the last look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.runtime.curve_points import thinned
from mlmagic.runtime.event_file import Point
from mlmagic.server.curves_growing import CurvesNow
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.live_views import Views, views_of
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import Curves, Series

MOST_POINTS = 2_000
"""Of a series, in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesQuery(Noun):
    """From where on curves are wanted."""

    cursor: str = ""
    """From the last answer; nothing for all of them."""


class CurvesHandler(Handler):
    """The curves of a job."""

    @described(Curves, query=CurvesQuery)
    async def get(self, job: str) -> None:
        """Tell the scalars of a job over its steps; with a cursor, those that have come since."""
        cursor, views = self.query(CurvesQuery).cursor, views_of(self.session)
        await self.respond(read_curves, views, job, cursor)


def read_curves(views: Views, job_id: str, cursor: str = "") -> Curves:
    """Return the curves of a job, or what came since the look that gave this cursor.

    Raises:
        NotFoundError: there is no such job.
    """
    views.jobs.get(job_id)
    return curves_since(job_id, views.curves.read(views.workspace.job(job_id).tensorboard_dir), cursor)


def curves_since(job_id: str, now: CurvesNow, cursor: str) -> Curves:
    """Return curves without what was known to whoever has the cursor; all of them if they are others by now."""
    known = _known(now, cursor)
    series = []
    for number, name in enumerate(now.curves):
        begin = known[number] if known is not None else 0
        if begin < now.counts[name]:
            series.append(_series(job_id, name, now.curves[name][begin : now.counts[name]]))
    counts = ",".join(str(count) for count in now.counts.values())
    return Curves(series=tuple(series), cursor=f"{now.generation}:{counts}", is_whole=known is None)


def _known(now: CurvesNow, cursor: str) -> list[int] | None:
    """Return how many points of each curve are known; None if the cursor tells nothing about these."""
    generation, _, text = cursor.partition(":")
    if generation != now.generation:
        return None
    try:
        counts = [int(count) for count in text.split(",") if count]
    except ValueError:
        return None
    are_sound = len(counts) == len(now.counts) and all(
        0 <= count <= most for count, most in zip(counts, now.counts.values(), strict=False)
    )
    return counts if are_sound else None


def _series(job_id: str, name: str, points: Sequence[Point]) -> Series:
    steps, times, values = zip(*thinned(points, MOST_POINTS), strict=True)
    return Series(job=job_id, name=name, steps=steps, values=values, times=times)


ROUTES = (Route("jobs/{job}/curves", CurvesHandler),)
