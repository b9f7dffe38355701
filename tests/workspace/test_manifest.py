from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.manifest import Manifest, is_whole
from mlmagic.workspace.processes import ProcessIdentity


@pytest.fixture
def queued(workspace: Workspace, submit: Callable[..., JobRecord]) -> JobFolder:
    return workspace.job(submit().id)


@pytest.fixture
def queued_before_a_restart(queued: JobFolder) -> JobFolder:
    """A job whose machine was another one, as far as it can tell."""
    manifest = codec.loads(Manifest, queued.manifest.read_bytes())
    queued.manifest.write_text(codec.dumps(replace(manifest, boot_id="another")))
    return queued


def test_a_manifest_names_all_that_never_changes(queued: JobFolder) -> None:
    manifest = codec.loads(Manifest, queued.manifest.read_bytes())
    assert set(manifest.checksums) == {"package/trainer/__init__.py", "package/trainer/task.py", "spec.json"}


def test_a_job_that_is_whole_runs_after_a_restart(queued_before_a_restart: JobFolder, jobs: JobStore) -> None:
    assert is_whole(queued_before_a_restart)
    assert jobs.claim(queued_before_a_restart.id, ProcessIdentity.current()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("package/trainer/task.py", b""),
        ("package/trainer/task.py", b"\0" * 17),
        ("package/trainer/task.py", None),
        ("spec.json", b""),
        ("manifest.json", b""),
    ],
)
def test_a_job_that_is_not_is_never_run(
    queued_before_a_restart: JobFolder, jobs: JobStore, name: str, content: bytes | None
) -> None:
    path = queued_before_a_restart.root / name
    path.unlink() if content is None else path.write_bytes(content)
    assert jobs.claim(queued_before_a_restart.id, ProcessIdentity.current()) is None
    record = jobs.get(queued_before_a_restart.id)
    assert (record.state, record.attempt, record.end_time is None) == (JobState.FAILED, 0, False)
    assert record.error is not None
    assert "did not come down to the disk before the machine stopped" in record.error.message


def test_on_the_same_machine_what_was_written_is_there(queued: JobFolder, jobs: JobStore) -> None:
    (queued.package / "trainer" / "task.py").write_text("print('mended by hand')\n")
    assert jobs.claim(queued.id, ProcessIdentity.current()) == 1


def test_a_job_of_an_older_mlmagic_has_no_manifest(queued: JobFolder, jobs: JobStore) -> None:
    queued.manifest.unlink()
    assert jobs.claim(queued.id, ProcessIdentity.current()) == 1
