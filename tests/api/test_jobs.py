"""Jobs as Python objects, over jobs that run."""

from __future__ import annotations

import _thread
from pathlib import Path

import pytest

import mlmagic
from mlmagic.api.job import Job
from mlmagic.api.jobs import job, jobs
from mlmagic.api.logs import LogText
from mlmagic.errors import JobFailed, NotFoundError, UsageError, WaitTimeout
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import FOREVER, submit, wait_for_text


def start(session: Session, source: str, name: str = "taxi") -> Job:
    return job(submit(session.backend(), source, name=name).id, session=session)


def test_a_job_is_found_by_name_prefix_and_id(session: Session) -> None:
    first = start(session, "print('one')")
    second = start(session, "print('two')")
    assert job("taxi", session=session).id == second.id
    assert job(first.id, session=session).wait().logs() == "one\n"
    with pytest.raises(NotFoundError, match=r"taxi"):
        job("taxy", session=session)


def test_waiting_tells_what_changes_and_returns_the_job(session: Session) -> None:
    seen: list[JobState] = []
    started = start(session, "print('done')")
    assert started.wait(on_update=lambda record: seen.append(record.state)) is started
    assert seen[-1] is JobState.SUCCEEDED
    assert started.state is JobState.SUCCEEDED
    assert started.spec.display_name == "taxi"
    assert started.model_version is None


def test_a_job_that_fails_raises_with_itself(session: Session) -> None:
    started = start(session, "raise ValueError('no such column')")
    with pytest.raises(JobFailed, match=r"taxi-.* failed with exit code 1: ValueError: no such column") as caught:
        started.wait()
    assert caught.value.job is started


def test_a_cancelled_job_is_no_success(session: Session) -> None:
    started = start(session, FOREVER)
    with pytest.raises(JobFailed, match=r"was cancelled"):
        started.cancel().wait()
    assert started.cancel().state is JobState.CANCELLED


def test_time_runs_out_and_the_job_goes_on(session: Session) -> None:
    started = start(session, FOREVER)
    with pytest.raises(
        WaitTimeout, match=r"taxi-.* is still \w+ after 0.1 s; it goes on.\nWait longer: %jobs wait taxi-"
    ):
        started.wait(timeout=0.1)
    assert not started.state.is_final
    started.cancel()


def test_an_interrupt_detaches_and_says_so(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    started = start(session, FOREVER)
    wait_for_text(started.backend, started.id, "begun")
    assert started.wait(on_update=lambda _: _thread.interrupt_main()) is started
    assert capsys.readouterr().out == (
        f"Detached from {started.id}, which goes on. Wait for it again: %jobs wait {started.id}\n"
    )
    assert not started.state.is_final
    started.cancel()


def test_a_log_is_followed_to_its_end(session: Session) -> None:
    started = start(session, "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.1)")
    assert "".join(started.follow()) == "0\n1\n2\n"
    assert started.state is JobState.SUCCEEDED


def test_the_end_of_a_long_log_is_found(session: Session) -> None:
    started = start(session, "for i in range(20_000):\n    print('line', i)").wait()
    assert started.logs(tail=2) == "line 19998\nline 19999\n"
    assert len(started.logs(tail=15_000).splitlines()) == 15_000
    assert len(started.logs(tail=99_999).splitlines()) == len(started.logs().splitlines()) == 20_000
    with pytest.raises(UsageError, match=r"tail counts lines from the end and must be 1 or more, not 0"):
        started.logs(tail=0)


def test_a_notebook_shows_a_log_as_text() -> None:
    from IPython.lib.pretty import pretty

    assert pretty(LogText("one\ntwo\n")) == "one\ntwo"
    assert pretty(LogText("ERROR: no\n")) == "\x1b[31mERROR: no\x1b[0m"


def test_the_list_is_newest_first_and_can_be_narrowed(session: Session) -> None:
    first, second = start(session, "").wait(), start(session, "", name="bus").wait()
    assert [summary.id for summary in jobs(session=session)] == [second.id, first.id]
    assert [summary.id for summary in jobs(name="taxi", session=session)] == [first.id]
    assert len(jobs(states=["JOB_STATE_SUCCEEDED", "failed"], session=session)) == 2
    assert len(jobs(session=session)[:1]) == 1
    assert jobs(session=session)[0].id == second.id


def test_unknown_states_are_told_together(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        jobs(states=["canceled", "xyz"], session=session)
    assert caught.value.problems == ("CANCELED Did you mean CANCELLED?", "XYZ")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("States: QUEUED, PENDING")


def test_handles_and_lists_show_panels(session: Session) -> None:
    started = start(session, "print('hello')").wait()
    bundle = started._repr_mimebundle_()
    assert "hello" in bundle["text/html"]
    assert started.id in bundle["text/plain"]
    assert started.id in jobs(session=session)._repr_mimebundle_()["text/html"]
    assert started.id in str(jobs(session=session))
    assert repr(jobs(session=session)) == "<JobList of 1>"


def test_the_package_offers_them(folder: Path) -> None:
    from mlmagic.session import reset_session

    reset_session()
    assert len(mlmagic.jobs()) == 0
    with pytest.raises(NotFoundError):
        mlmagic.job("taxi")
    reset_session()
