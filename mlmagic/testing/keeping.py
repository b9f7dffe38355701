"""The part of the exam that is about what is kept of jobs, and about jobs that are tried again."""

# ruff: noqa: D102, S101 - these are tests: their names say what they are about, and they assert

from __future__ import annotations

import itertools

import pytest

from mlmagic.backends.base import EDGES, Backend
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.job import JobSpec, JobState, PackageReference
from mlmagic.testing.driving import COLD, FOREVER, make_package, run, submit, wait_for, wait_for_text


class KeepingConformance:
    """Packages, changes, replicas, retries, and their end."""

    def test_place_says_what_submit_would_do_and_starts_nothing(self, backend: Backend) -> None:
        spec = JobSpec(display_name="exam", package=PackageReference(digest="d", cold_reason=COLD))
        placed = backend.place(spec)
        assert (placed.backend, placed.display_name) == (backend.name, "exam")
        assert backend.place(placed) == placed
        backend.prepare(placed)
        assert backend.list() == []

    def test_a_package_comes_back_as_it_was_submitted(self, backend: Backend) -> None:
        package = make_package("print('hello')\n", model="x = 'é'\n")
        spec = JobSpec(display_name="exam", package=PackageReference(digest=package.digest, cold_reason=COLD))
        record = wait_for(backend, backend.submit(spec, package).id)
        kept = backend.package(record.id)
        assert kept.files == package.files
        assert (kept.module, kept.digest, kept.shape) == (package.module, package.digest, package.shape)

    def test_a_package_that_comes_back_can_be_submitted(self, backend: Backend) -> None:
        first = run(backend, "print('again')\n")
        second = wait_for(backend, backend.submit(first.spec, backend.package(first.id)).id)
        assert second.state is JobState.SUCCEEDED
        assert "again\n" in backend.logs(second.id).text

    def test_changes_are_in_order_and_lead_to_the_state(self, backend: Backend) -> None:
        record = run(backend, "print(1)\n")
        changes = backend.changes(record.id)
        assert changes[0].state is JobState.QUEUED
        assert changes[-1].state is record.state is JobState.SUCCEEDED
        assert all(after.state in EDGES[before.state] for before, after in itertools.pairwise(changes))
        assert [change.time for change in changes] == sorted(change.time for change in changes)

    def test_a_job_that_fails_is_tried_again_as_often_as_it_may_be(self, backend: Backend) -> None:
        record = run(backend, "raise SystemExit(3)\n", max_retries=2)
        assert (record.state, record.attempt, record.exit_code) == (JobState.FAILED, 3, 3)
        assert record.error is not None
        queued = [change for change in backend.changes(record.id) if change.state is JobState.QUEUED]
        assert [change.attempt for change in queued] == [0, 1, 2]

    def test_a_job_is_tried_again_until_it_succeeds(
        self, backend: Backend, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        mark = tmp_path_factory.mktemp("exam") / "mark"
        source = f"""
import sys
from pathlib import Path
mark = Path({str(mark)!r})
if not mark.exists():
    mark.touch()
    sys.exit(1)
"""
        record = run(backend, source, max_retries=5)
        assert (record.state, record.attempt, record.exit_code, record.error) == (JobState.SUCCEEDED, 2, 0, None)
        first = next(change for change in backend.changes(record.id) if change.state is JobState.RUNNING)
        assert record.start_time is not None
        assert record.start_time <= first.time

    def test_a_job_that_is_cancelled_or_too_slow_is_not_tried_again(self, backend: Backend) -> None:
        job_id = submit(backend, FOREVER, max_retries=3).id
        wait_for_text(backend, job_id, "begun")
        backend.cancel(job_id)
        assert (wait_for(backend, job_id).state, backend.get(job_id).attempt) == (JobState.CANCELLED, 1)
        slow = run(backend, FOREVER, max_retries=3, timeout_seconds=0.5)
        assert (slow.state, slow.attempt) == (JobState.FAILED, 1)

    def test_replicas_are_those_of_the_newest_attempt(self, backend: Backend) -> None:
        record = run(backend, "raise SystemExit(3)\n", max_retries=1)
        (replica,) = backend.replicas(record.id)
        assert (replica.name, replica.attempt, replica.exit_code) == ("chief-0", 2, 3)
        assert replica.end_time is not None
        assert replica.start_time <= replica.end_time

    def test_only_a_queued_job_waits_for_something(self, backend: Backend) -> None:
        record = run(backend, "print(1)\n")
        assert backend.waiting_for(record.id) is None
        assert all(sample.memory_bytes >= 0 for sample in backend.usage(record.id).samples)

    def test_a_deleted_job_is_gone(self, backend: Backend) -> None:
        record, other = run(backend, "print(1)\n"), run(backend, "print(2)\n")
        backend.delete(record.id)
        assert [summary.id for summary in backend.list()] == [other.id]
        with pytest.raises(NotFoundError, match=record.id):
            backend.get(record.id)

    def test_a_job_that_runs_is_not_deleted(self, backend: Backend) -> None:
        job_id = submit(backend, FOREVER).id
        wait_for_text(backend, job_id, "begun")
        with pytest.raises(ConflictError, match=f"job {job_id} is RUNNING and cannot be deleted"):
            backend.delete(job_id)
        backend.cancel(job_id)
        assert wait_for(backend, job_id).state is JobState.CANCELLED

    @pytest.mark.parametrize("method", ["delete", "package", "changes", "replicas", "usage", "waiting_for"])
    def test_nothing_is_known_of_an_unknown_job(self, backend: Backend, method: str) -> None:
        with pytest.raises(NotFoundError, match="there is no job 'taxi-20260131-123015-0a1b'"):
            getattr(backend, method)("taxi-20260131-123015-0a1b")
