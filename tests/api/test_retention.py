"""Removing jobs, and what stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mlmagic.api.deletion import folder_size
from mlmagic.api.job import Job
from mlmagic.api.jobs import job, jobs
from mlmagic.api.retention import delete_jobs, plan_deletion
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.testing.backends import FOREVER, run, submit, wait_for

Make = Callable[..., Job]


@pytest.fixture
def ended(session: Session) -> Make:
    def make(name: str = "taxi", days: float = 0, **fields: object) -> Job:
        record = run(session.backend(), "", name=name)
        times = {
            key: getattr(record, key) - timedelta(days=days)
            for key in ("create_time", "end_time")
            if getattr(record, key)
        }
        session.backend()._jobs[record.id].record = dataclasses.replace(record, **times, **fields)  # type: ignore[attr-defined, arg-type]
        return job(record.id, session=session)

    return make


def left(session: Session) -> list[str]:
    return [row.id for row in jobs(session=session)]


def test_jobs_are_deleted_by_name(session: Session, ended: Make) -> None:
    first, second, third = ended(), ended(), ended("boats")
    gone = delete_jobs("taxi", third, session=session)
    assert left(session) == [first.id]
    assert str(gone).startswith(f"Deleted 2 jobs:\n  {second.id}  SUCCEEDED  20")
    first.delete()
    assert left(session) == []


def test_a_job_that_goes_on_is_refused_with_the_way_out(session: Session) -> None:
    running = [job(submit(session.backend(), FOREVER, name=name).id, session=session) for name in ("taxi", "boats")]
    with pytest.raises(
        UsageError, match=r"only a job that has ended can be deleted.\nTo end it first: %jobs cancel taxi-"
    ):
        running[0].delete()
    with pytest.raises(UsageError) as caught:
        delete_jobs("taxi", "boats", session=session)
    assert caught.value.hint == f"To end them first: %jobs cancel {running[0].id} {running[1].id}"
    assert str(delete_jobs(filter="displayName=taxi", session=session)) == (
        f"There is nothing to delete.\nNot ended, so they stay: {running[0].id}. To end one: %jobs cancel ID"
    )
    for one in running:
        wait_for(one.cancel().backend, one.id)


def test_a_filter_chooses_what_goes(session: Session, ended: Make) -> None:
    old, new = ended(days=40), ended()
    plan = plan_deletion(filter="createTime<-P30D", session=session)
    assert [record.id for record in plan.records] == [old.id]
    assert str(plan).startswith("Would delete 1 job:")
    assert plan.delete().is_done
    assert left(session) == [new.id]


def test_the_newest_of_each_name_are_kept(session: Session, ended: Make) -> None:
    made = [ended(name) for name in ("taxi", "boats", "taxi", "taxi")]
    delete_jobs(keep=2, session=session)
    assert left(session) == [made[3].id, made[2].id, made[1].id]
    delete_jobs(filter="displayName=taxi", keep=1, session=session)
    assert left(session) == [made[3].id, made[1].id]


@pytest.mark.parametrize("age", ["3d", "P3D", "72h", timedelta(days=3)])
def test_the_old_ones_go(session: Session, ended: Make, age: str | timedelta) -> None:
    old, new = ended(days=4), ended(days=2)
    assert [record.id for record in delete_jobs(older_than=age, dry_run=True, session=session).records] == [old.id]
    delete_jobs(older_than=age, session=session)
    assert left(session) == [new.id]


def test_a_plan_tells_what_stays(session: Session, ended: Make) -> None:
    ended(model_version="taxi@2")
    shown = str(plan_deletion("taxi", session=session))
    assert shown.endswith("\nModel versions stay: taxi@2.")
    for _ in range(22):
        ended()
    assert "\n  and 3 more" in str(plan_deletion(filter="state=SUCCEEDED", session=session))


def test_what_goes_meanwhile_is_gone(session: Session, ended: Make) -> None:
    ended()
    plan = plan_deletion("taxi", session=session)
    delete_jobs("taxi", session=session)
    assert len(plan.delete()) == 1
    with pytest.raises(NotFoundError):
        delete_jobs("taxi", session=session)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "delete needs to know which jobs: name them, or give a filter, an age, or how many to keep."),
        ({"older_than": "soon"}, "older_than 'soon' is no age: give a number with h, d or w, such as 30d."),
        ({"keep": -1}, "keep -1 must be 0 or more."),
        ({"filter": "state=FAILD"}, "the filter cannot be read: no job has the state 'FAILD'."),
    ],
)
def test_what_makes_no_sense_is_told(session: Session, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_deletion(session=session, **arguments)  # type: ignore[arg-type]
    assert caught.value.message.startswith(message)


def test_named_jobs_are_not_chosen_among(session: Session, ended: Make) -> None:
    ended()
    with pytest.raises(UsageError, match="filter, older_than and keep choose among all"):
        plan_deletion("taxi", keep=1, session=session)


def test_a_folder_is_measured(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 10_000)
    (tmp_path / "gone").symlink_to("nowhere")
    assert 10_000 <= (folder_size(tmp_path) or 0) < 100_000
    assert folder_size(tmp_path / "none") is None
