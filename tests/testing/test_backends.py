"""The exam fails those who should fail."""

from __future__ import annotations

import dataclasses

import pytest

from mlmagic.backends.base import LogChunk
from mlmagic.backends.memory import MemoryBackend
from mlmagic.spec.job import JobRecord, JobSpec, JobState
from mlmagic.spec.package import TrainerPackage
from mlmagic.testing.backends import BackendConformance, make_package, submit, wait_for_text


class Slow(MemoryBackend):
    """Returns from `submit` only when the job runs."""

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        record = super().submit(spec, package)
        return dataclasses.replace(record, state=JobState.RUNNING)


class Forgetful(MemoryBackend):
    """Loses the second half of every piece of a log."""

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        chunk = super().logs(job_id, offset=offset, role=role, index=index)
        return dataclasses.replace(chunk, text=chunk.text[: len(chunk.text) // 2])


class Backwards(MemoryBackend):
    """Lists the oldest first."""

    def list(self, **filters: object) -> list:  # type: ignore[override, type-arg]
        return super().list(**filters)[::-1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("backend", "test"),
    [
        (Slow(), BackendConformance.test_submit_returns_a_queued_record_at_once),
        (Forgetful(), BackendConformance.test_a_log_read_in_pieces_is_whole),
        (Backwards(), BackendConformance.test_list_is_newest_first_and_filters),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_backend_that_breaks_a_rule(backend: MemoryBackend, test: object) -> None:
    with pytest.raises(AssertionError):
        test(BackendConformance(), backend)  # type: ignore[operator]
    for summary in backend.list():
        backend.cancel(summary.id)


def test_waiting_for_what_was_never_printed() -> None:
    backend = MemoryBackend()
    with pytest.raises(AssertionError, match="never printed 'begun' but 'hello"):
        wait_for_text(backend, submit(backend, "print('hello')\n").id, "begun")


def test_the_same_source_is_the_same_package() -> None:
    assert make_package("a = 1\n") == make_package("a = 1\n")
    assert make_package("a = 1\n").digest != make_package("a = 2\n").digest
