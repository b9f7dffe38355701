"""Lists of jobs: filtered, sorted, watched, compared, and ended several at a time."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping

import pytest

from mlmagic.api.comparison import compare_jobs
from mlmagic.api.job import Job
from mlmagic.api.jobs import cancel_jobs, job, jobs
from mlmagic.errors import MissingDependencyError, NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import FOREVER, submit, wait_for, wait_for_text


def start(
    session: Session, name: str = "taxi", *, source: str = "", metrics: Mapping[str, float] = {}, **fields: object
) -> Job:
    backend = session.backend()
    record = submit(backend, source, name=name, **fields)
    if source != FOREVER:
        record = wait_for(backend, record.id)
        backend._jobs[record.id].record = dataclasses.replace(record, metrics=metrics)  # type: ignore[attr-defined]
    return job(record.id, session=session)


@pytest.fixture
def three(session: Session) -> list[Job]:
    return [
        start(session, flags={"epochs": "5", "rate": "0.1"}, metrics={"loss": 0.5, "accuracy": 0.7}),
        start(session, flags={"epochs": "10", "rate": "0.1"}, metrics={"loss": 0.25}, labels={"owner": "ada"}),
        start(session, "boats", args=("--epochs=20",), source="raise ValueError"),
    ]


def test_a_filter_chooses(session: Session, three: list[Job]) -> None:
    assert [row.id for row in jobs("state=FAILED", session=session)] == [three[2].id]
    assert [row.id for row in jobs("labels.owner=ada OR flags.epochs<6", session=session)] == [three[1].id, three[0].id]
    assert len(jobs("createTime>-P1D metrics.loss<0.3", session=session)) == 1


def test_an_order_is_taken(session: Session, three: list[Job]) -> None:
    assert [row.id for row in jobs(sort_by="metrics.loss", session=session)] == [three[1].id, three[0].id, three[2].id]
    assert jobs("displayName=taxi", sort_by="~flags.epochs", session=session)[0].id == three[1].id


def test_a_filter_that_cannot_be_read_shows_where(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        jobs("displayName=taxi stat=FAILED", session=session)
    message = (
        "the filter cannot be read: there is no key 'stat'.\n  displayName=taxi stat=FAILED\n                   ^\n"
    )
    assert str(caught.value).startswith(message)
    assert "Did you mean state" in str(caught.value)


def test_all_that_is_wrong_is_told_together(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        jobs("state=", sort_by="stat", limit=0, session=session)
    assert caught.value.message == "jobs cannot take these arguments:"
    assert [problem.partition(":")[0].partition(" 0")[0] for problem in caught.value.problems] == [
        "the filter cannot be read",
        "jobs cannot be sorted by 'stat'",
        "limit",
    ]
    with pytest.raises(UsageError, match="a filter is text, such as 'state=FAILED', not int 3"):
        jobs(3, session=session)  # type: ignore[arg-type]


def test_a_list_says_what_was_left_out(session: Session, three: list[Job]) -> None:
    listed = jobs("displayName=taxi", limit=1, session=session)
    assert (len(listed), listed.has_more) == (1, True)
    assert "The first 1 job that passes displayName=taxi; more with --limit." in str(listed)
    assert "No job passes the filter displayName=x" in str(jobs("displayName=x", session=session))


def test_a_list_becomes_a_frame(session: Session, three: list[Job]) -> None:
    frame = jobs(session=session).to_frame()
    assert list(frame["id"]) == [three[2].id, three[1].id, three[0].id]
    assert list(frame["flags.epochs"]) == [20, 10, 5]
    assert frame["metrics.loss"].min() == 0.25
    assert frame["error"][0] == "ValueError"


def test_values_that_are_no_numbers_stay_text(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    start(session, flags={"rate": "0.5", "mode": "fast"})
    start(session, flags={"rate": "auto"})
    frame = jobs(session=session).to_frame()
    assert list(frame["flags.rate"]) == ["auto", "0.5"]
    assert frame["flags.mode"][1] == "fast"
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match=r"a DataFrame needs pandas.\nInstall it: %pip install pandas"):
        jobs(session=session).to_frame()


def test_jobs_are_compared_by_what_differs(session: Session, three: list[Job]) -> None:
    compared = jobs("displayName=taxi", session=session).compare()
    assert (compared.flags, compared.metrics) == (("epochs",), ("loss", "accuracy"))
    assert [row.flags["epochs"] for row in compared.jobs] == ["10", "5"]
    assert list(compared.to_frame()["epochs"]) == [10, 5]
    assert three[0].id in str(compared)


def test_jobs_are_compared_by_name_and_by_filter(session: Session, three: list[Job]) -> None:
    assert [row.id for row in compare_jobs("boats", three[0], session=session).jobs] == [three[2].id, three[0].id]
    assert compare_jobs("boats", "taxi", session=session).flags == ("epochs", "rate")
    assert len(compare_jobs(filter="state:*", session=session).jobs) == 3
    with pytest.raises(UsageError, match="compare takes jobs or a filter, one of the two"):
        compare_jobs(session=session)


def test_jobs_that_are_not_there_are_told_together(session: Session, three: list[Job]) -> None:
    with pytest.raises(UsageError) as caught:
        compare_jobs("taxy", "boat-1", "taxi", session=session)
    assert caught.value.message == "these are no jobs:"
    assert caught.value.problems[0].startswith("there is no job 'taxy'. Did you mean taxi")
    with pytest.raises(NotFoundError, match="there is no job 'taxy'"):
        compare_jobs("taxy", "taxi", session=session)


def test_jobs_are_cancelled_together(session: Session, three: list[Job]) -> None:
    running = [start(session, "taxi", source=FOREVER) for _ in range(2)]
    cancelled = cancel_jobs(filter="displayName=taxi", session=session)
    assert {row.id for row in cancelled} == {one.id for one in running}
    for one in running:
        assert wait_for(one.backend, one.id).state is JobState.CANCELLED
    nothing = cancel_jobs(filter="displayName=taxi", session=session)
    assert (len(nothing), "No job passes the filter (displayName=taxi) AND state:(" in str(nothing)) == (0, True)
    assert [row.id for row in cancel_jobs("boats", three[0], session=session)] == [three[2].id, three[0].id]
    with pytest.raises(UsageError, match="cancel takes jobs or a filter, one of the two"):
        cancel_jobs(session=session)


def test_a_list_is_watched_until_nothing_goes_on(session: Session) -> None:
    running = start(session, source=FOREVER)
    wait_for_text(running.backend, running.id, "begun")
    states = []
    for shown in jobs(session=session).watch(every=0):
        states.append(shown[0].state)
        if len(states) == 2:
            running.cancel()
    assert states[:2] == [JobState.RUNNING, JobState.RUNNING]
    assert states[-1] is JobState.CANCELLED
