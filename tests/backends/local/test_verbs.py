"""What a backend tells of a job beyond its record."""

from __future__ import annotations

import sys

import pytest
from support.queued import Jobs

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.job import JobSpec, JobState, PackageReference
from mlmagic.testing.backends import FOREVER, make_package, run, submit, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.layout import Workspace


def spec(**fields: object) -> JobSpec:
    return JobSpec(display_name="taxi", package=PackageReference(digest="0"), **fields)  # type: ignore[arg-type]


def test_a_place_is_filled_in_and_nothing_is_started(backend: LocalBackend, workspace: Workspace) -> None:
    placed = backend.place(spec())
    assert (placed.backend, placed.python) == ("local", sys.executable)
    assert placed.placement is not None
    assert placed.placement.replicas == {"chief": 1}
    assert backend.list() == []
    assert not workspace.agent.exists()


def test_a_package_comes_back_as_it_was_submitted(backend: LocalBackend) -> None:
    package = make_package("import trainer.other\n", other="print('é')\n")
    reference = PackageReference(digest=package.digest, requirements=("numpy==2.0",), cold_reason="cold")
    record = backend.submit(JobSpec(display_name="taxi", package=reference), package)
    wait_for(backend, record.id)
    found = backend.package(record.id)
    assert (found.files, found.digest, found.module) == (package.files, package.digest, "trainer.task")
    assert (found.requirements, found.cold_reason) == (("numpy==2.0",), "cold")


def test_changes_are_told_by_time(backend: LocalBackend) -> None:
    record = run(backend, "print(1)\n")
    changes = backend.changes(record.id)
    assert [change.state for change in changes] == ["QUEUED", "PENDING", "RUNNING", "SUCCEEDED"]
    assert [change.attempt for change in changes] == [0, 1, 1, 1]
    assert changes[0].time == record.create_time


def test_changes_are_told_from_the_record_after_a_rebuild(backend: LocalBackend, workspace: Workspace) -> None:
    record = run(backend, "print(1)\n")
    Database(workspace).rebuild()
    changes = backend.changes(record.id)
    assert [change.state for change in changes] == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert changes[-1].time == record.end_time


def test_what_happened_after_a_rebuild_is_added(backend: LocalBackend, workspace: Workspace) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    wait_for(backend, job_id, JobState.RUNNING)
    Database(workspace).rebuild()
    backend.cancel(job_id)
    wait_for(backend, job_id)
    told = [change.state for change in backend.changes(job_id)]
    assert told == ["QUEUED", "RUNNING", "CANCELLING", "CANCELLED"]


def test_replicas_and_usage_of_a_running_job(backend: LocalBackend) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    (replica,) = backend.replicas(job_id)
    assert (replica.name, replica.attempt) == ("chief-0", 1)
    while not backend.usage(job_id).samples:
        assert backend.get(job_id).state is JobState.RUNNING
    assert backend.usage(job_id).replicas == ("chief-0",)
    backend.cancel(job_id)


def test_only_what_has_ended_is_deleted(backend: LocalBackend, workspace: Workspace) -> None:
    job_id = submit(backend, FOREVER).id
    with pytest.raises(ConflictError, match="cannot be deleted"):
        backend.delete(job_id)
    backend.cancel(job_id)
    wait_for(backend, job_id)
    backend.delete(job_id)
    assert backend.list() == []
    assert not workspace.job(job_id).root.exists()


@pytest.mark.parametrize("verb", ["delete", "package", "changes", "replicas", "usage", "waiting_for"])
def test_an_unknown_job_is_told(backend: LocalBackend, verb: str) -> None:
    with pytest.raises(NotFoundError, match="taxi-20260131-235959-0a1b"):
        getattr(backend, verb)("taxi-20260131-235959-0a1b")


def test_preparing_a_job_that_starts_cold_starts_nothing(backend: LocalBackend, workspace: Workspace) -> None:
    backend.prepare(spec(fresh=True))
    backend.prepare(JobSpec(display_name="taxi", package=PackageReference(digest="0", cold_reason="cold")))
    assert not workspace.agent_lock.exists()


def test_preparing_never_fails(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("mlmagic.runtime.agent_call.sys.executable", "/nowhere/python")
    LocalBackend(workspace).prepare(spec(python="/bin/true"))


def test_a_reader_starts_the_agent_that_a_queue_lacks(workspace: Workspace) -> None:
    folder = Jobs(workspace).make("print('ran')\n")
    backend = LocalBackend(workspace)
    assert [summary.state for summary in backend.list()] == [JobState.QUEUED]
    assert workspace.agent_lock.exists()
    assert wait_for(backend, folder.id).state is JobState.SUCCEEDED
