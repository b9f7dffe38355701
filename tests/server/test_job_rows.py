from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic.errors import UsageError
from mlmagic.filters.parser import parse
from mlmagic.server.job_rows import MOST_ROWS, JobsQuery, column_of, read_query
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import JobState
from mlmagic.spec.panel_rows import JobRow, JobRows
from mlmagic.workspace.layout import JobFolder

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def jobs(session: Session) -> Jobs:
    return Jobs(session.workspace)


def ended(jobs: Jobs, number: int, **fields: object) -> JobFolder:
    """A job that has ended, so that nobody begins to run it."""
    folder = jobs.make("", create_time=NOW + timedelta(minutes=number), **fields)
    jobs.store.advance(folder.id, expect={JobState.QUEUED}, to=JobState.SUCCEEDED, now=NOW, metrics={"loss": number})
    return folder


async def test_while_there_is_no_workspace_there_are_no_jobs_and_none_is_made(ask: Ask, session: Session) -> None:
    answer = await ask("jobs")
    assert (answer.status, answer.json) == (200, {"jobs": [], "total": 0, "unfinished": 0, "event": 0})
    assert not session.location.root.exists()


async def test_jobs_are_listed_a_page_at_a_time(ask: Ask, jobs: Jobs) -> None:
    made = [ended(jobs, number).id for number in range(5)]
    answer = await ask("jobs?limit=2&offset=1")
    page = decode(JobRows, answer.json)
    assert [row.summary.id for row in page.jobs] == [made[3], made[2]]
    assert (page.total, page.unfinished) == (5, 0)
    assert "json" in answer.headers["Content-Type"]


async def test_a_filter_an_order_and_ids_choose_and_sort(ask: Ask, jobs: Jobs) -> None:
    made = [ended(jobs, number, labels={"half": str(number % 2)}).id for number in range(4)]
    chosen = await ask(f"jobs?filter={quote('labels.half=1')}&sortBy={quote('~metrics.loss')}")
    assert [row["summary"]["id"] for row in chosen.json["jobs"]] == [made[3], made[1]]
    some = await ask(f"jobs?ids={made[2]},{made[0]}&trials=true")
    assert [row["summary"]["id"] for row in some.json["jobs"]] == [made[2], made[0]]


async def test_a_row_is_told_alone(ask: Ask, jobs: Jobs) -> None:
    job = ended(jobs, 3)
    row = decode(JobRow, (await ask(f"jobs/{job.id}/row")).json)
    assert row.headline is not None
    assert (row.summary.id, row.headline.value) == (job.id, 3.0)
    assert (await ask("jobs/taxi-20260131-235959-0a1b/row")).status == 404


async def test_a_filter_that_cannot_be_read_is_told_with_its_place(ask: Ask, jobs: Jobs) -> None:
    ended(jobs, 1)
    answer = await ask(f"jobs?filter={quote('state=FAILED AND sate=X')}")
    assert answer.status == 400
    assert answer.problem["column"] == 18
    assert "there is no key 'sate'" in answer.problem["message"]


async def test_all_that_is_wrong_is_told_at_once(ask: Ask, jobs: Jobs) -> None:
    ended(jobs, 1)
    answer = await ask("jobs?filter=sate=X&sortBy=nothing&limit=0&offset=-1")
    assert answer.status == 400
    assert len(answer.problem["problems"]) == 4


@pytest.mark.parametrize(("limit", "fits"), [(MOST_ROWS, True), (MOST_ROWS + 1, False)])
def test_a_page_has_a_largest_size(limit: int, *, fits: bool) -> None:
    if fits:
        assert read_query(JobsQuery(limit=limit)).limit == limit
    else:
        with pytest.raises(UsageError, match=f"limit {limit} must be {MOST_ROWS} or less"):
            read_query(JobsQuery(limit=limit))


@pytest.mark.parametrize("text", ["", "  "])
def test_no_filter_lets_everything_through(text: str) -> None:
    assert read_query(JobsQuery(filter=text)).where is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("sate=FAILED", "sate"),
        ("state=FAILED AND sate=X", "sate"),
        ("(state=FAILED OR " * 12 + "nothing=1" + ")" * 12, "nothing"),
        ("labels.a=1 AND " * 30 + "displayName='x", "'x"),
        ("state=FAILED\tAND sate=1", "sate"),
    ],
)
def test_the_place_of_an_error_is_where_its_mark_stands(text: str, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert column_of(text, caught.value) == text.index(wrong) + 1


def test_an_error_that_has_no_place_has_no_column() -> None:
    with pytest.raises(UsageError) as caught:
        read_query(JobsQuery(filter="a" * 100_000))
    assert getattr(caught.value, "column", 0) is None
