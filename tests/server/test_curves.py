from __future__ import annotations

import math
from pathlib import Path

import pytest
from support.event_files import event, record
from support.queued import Jobs
from support.rest import Ask

from mlmagic.runtime.event_file import Point
from mlmagic.server.curves import MOST_POINTS, curves_since
from mlmagic.server.curves_growing import CurvesNow
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.panel_rows import Curves
from mlmagic.workspace.layout import JobFolder

JOB = "taxi-20260131-235959-0a1b"


def now(generation: str = "g", **lengths: int) -> CurvesNow:
    curves: dict[str, list[Point]] = {
        name: [(step, 1000.0 + step, math.sin(step / 50)) for step in range(length)] for name, length in lengths.items()
    }
    return CurvesNow(generation, curves, lengths, frozenset(lengths))


def steps(curves: Curves) -> dict[str, tuple[int, ...]]:
    return {series.name: series.steps for series in curves.series}


def test_without_a_cursor_all_is_told() -> None:
    whole = curves_since(JOB, now(loss=3, val_loss=2), "")
    assert (whole.is_whole, steps(whole)) == (True, {"loss": (0, 1, 2), "val_loss": (0, 1)})
    assert {series.job for series in whole.series} == {JOB}


def test_with_a_cursor_only_what_came_is_told() -> None:
    first = curves_since(JOB, now(loss=3, val_loss=2), "")
    more = curves_since(JOB, now(loss=5, val_loss=2), first.cursor)
    assert (more.is_whole, steps(more)) == (False, {"loss": (3, 4)})
    assert curves_since(JOB, now(loss=5, val_loss=2), more.cursor).series == ()


@pytest.mark.parametrize("cursor", ["other:3", "g", "g:", "g:1,2", "g:x", "g:-1", "g:9", ":::", "g:3.5"])
def test_a_cursor_that_tells_nothing_about_these_curves_gets_all(cursor: str) -> None:
    told = curves_since(JOB, now(loss=3), cursor)
    assert (told.is_whole, steps(told)) == (True, {"loss": (0, 1, 2)})


def test_a_long_curve_is_thinned_and_goes_on_where_it_ended() -> None:
    whole = curves_since(JOB, now(loss=100_000), "")
    (series,) = whole.series
    assert len(series.steps) == len(series.values) == len(series.times) <= MOST_POINTS
    assert (series.steps[0], series.steps[-1]) == (0, 99_999)
    more = curves_since(JOB, now(loss=100_003), whole.cursor)
    assert steps(more) == {"loss": (100_000, 100_001, 100_002)}


def test_a_job_without_curves_has_none() -> None:
    none = curves_since(JOB, now(), "")
    assert none.series == ()
    assert not curves_since(JOB, now(), none.cursor).is_whole


def append(job: JobFolder, *events: bytes, name: str = "1") -> None:
    job.tensorboard_dir.mkdir(parents=True, exist_ok=True)
    path = Path(job.tensorboard_dir, f"{name}.tfevents")
    with path.open("ab") as file:
        file.write(b"".join(map(record, events)))


async def test_curves_are_read_as_they_grow(ask: Ask, session: Session) -> None:
    job = Jobs(session.workspace).make("")
    empty = decode(Curves, (await ask(f"jobs/{job.id}/curves")).json)
    assert empty.series == ()
    append(job, event(0, loss=1.0), event(1, loss=float("nan")))
    whole = decode(Curves, (await ask(f"jobs/{job.id}/curves?cursor={empty.cursor}")).json)
    assert (whole.is_whole, steps(whole)) == (True, {"loss": (0, 1)})
    assert math.isnan(whole.series[0].values[1])
    append(job, event(2, loss=0.5))
    more = decode(Curves, (await ask(f"jobs/{job.id}/curves?cursor={whole.cursor}")).json)
    assert (more.is_whole, steps(more), more.series[0].times) == (False, {"loss": (2,)}, (1002.0,))


async def test_a_retry_begins_anew(ask: Ask, session: Session) -> None:
    job = Jobs(session.workspace).make("")
    append(job, *[event(step, loss=1.0) for step in range(5)])
    first = (await ask(f"jobs/{job.id}/curves")).json["cursor"]
    append(job, event(0, loss=2.0), name="2")
    again = decode(Curves, (await ask(f"jobs/{job.id}/curves?cursor={first}")).json)
    assert (again.is_whole, steps(again)) == (True, {"loss": (0,)})


async def test_there_are_no_curves_of_a_job_that_is_not_there(ask: Ask, session: Session) -> None:
    Jobs(session.workspace).make("")
    assert (await ask(f"jobs/{JOB}/curves")).status == 404
