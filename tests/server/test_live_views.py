from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime

import pytest
from support.queued import Jobs

from mlmagic.errors import WorkspaceError
from mlmagic.server.job_rows_table import PageQuery
from mlmagic.server.live_views import views_of
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.processes import ProcessIdentity


@pytest.fixture
def dead(session: Session) -> JobFolder:
    """A job whose supervisor is gone."""
    jobs = Jobs(session.workspace)
    job = jobs.make("")
    gone = dataclasses.replace(ProcessIdentity.current(), pid=2**22 - 1)
    jobs.store.claim(job.id, gone)
    now = datetime.now(UTC)
    jobs.store.advance(job.id, expect={JobState.PENDING}, to=JobState.RUNNING, now=now, start_time=now)
    return job


def test_one_is_kept_for_each_session(session: Session) -> None:
    assert views_of(session) is views_of(session)
    assert views_of(Session()) is not views_of(session)


def test_to_look_makes_no_workspace(session: Session) -> None:
    views_of(session).tend()
    assert not session.location.root.exists()


def test_a_job_whose_machinery_died_is_not_listed_as_running(session: Session, dead: JobFolder) -> None:
    (row,) = views_of(session).rows.page(PageQuery()).jobs
    assert (row.summary.id, row.summary.state) == (dead.id, JobState.FAILED)


def test_nor_is_it_told_as_running(session: Session, dead: JobFolder) -> None:
    assert views_of(session).rows.row(dead.id).summary.state is JobState.FAILED


def test_jobs_are_not_tended_with_each_look(session: Session, dead: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(type(session.backend("local")), "tend", lambda backend: calls.append(backend.name))
    views = views_of(session)
    for _ in range(3):
        views.tend()
    assert calls == ["local"]


@pytest.mark.parametrize("error", [sqlite3.DatabaseError("malformed"), OSError("gone"), WorkspaceError("locked.")])
def test_a_list_is_told_though_jobs_cannot_be_tended(
    session: Session, dead: JobFolder, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(session.backend("local")), "tend", fails)
    assert views_of(session).rows.page(PageQuery()).total == 1
