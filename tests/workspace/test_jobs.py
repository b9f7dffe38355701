"""Jobs are made whole or not at all, come from one state to another, and go."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlmagic.errors import ConflictError, NotFoundError, PackageError, UsageError, WorkspaceError
from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord, JobSpec, JobState
from mlmagic.spec.names import is_job_id
from mlmagic.spec.package import SourceBlock, SourceMap
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.job_folder import stage_job
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace

Submit = Callable[..., JobRecord]
SECOND = timedelta(seconds=1)


def finish(jobs: JobStore, record: JobRecord, now: datetime, state: JobState = JobState.SUCCEEDED) -> JobRecord:
    return jobs.advance(record.id, expect=[record.state], to=state, now=now, end_time=now)


def test_a_new_job_is_queued_and_reads_back(jobs: JobStore, submit: Submit, spec: JobSpec, now: datetime) -> None:
    record = submit()
    assert is_job_id(record.id)
    assert record.id.startswith("taxi-20260131-123015-")
    assert (record.state, record.spec, record.create_time, record.attempt) == (JobState.QUEUED, spec, now, 0)
    assert jobs.get(record.id) == record


def test_its_folder_is_complete_and_the_users_alone(workspace: Workspace, submit: Submit, spec: JobSpec) -> None:
    folder = workspace.job(submit().id)
    assert codec.loads(JobSpec, folder.spec.read_bytes()) == spec
    assert (folder.package / "trainer" / "task.py").read_bytes() == b"print('trains')\n"
    assert all(path.is_dir() for path in (folder.logs, folder.model_dir, folder.checkpoint_dir, folder.tensorboard_dir))
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in folder.root.rglob("*")}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_the_same_name_at_the_same_time_makes_two_jobs(jobs: JobStore, submit: Submit) -> None:
    assert len({submit().id for _ in range(20)}) == len(jobs.list()) == 20


def test_source_map_sources_and_distribution_are_kept(
    workspace: Workspace, jobs: JobStore, spec: JobSpec, now: datetime
) -> None:
    source_map = SourceMap(blocks=(SourceBlock(file="trainer/task.py", first_line=1, last_line=3, cell_number=5),))
    files = {"trainer/task.py": "x = 'ä'\n".encode(), "pyproject.toml": b"[project]"}
    record = jobs.create(spec, package_files=files, dist_files={"taxi-1.tar.gz": b"gz"}, source_map=source_map, now=now)
    assert jobs.source_map(record.id) == source_map
    assert jobs.sources(record.id) == {"trainer/task.py": "x = 'ä'\n"}
    assert (workspace.job(record.id).dist / "taxi-1.tar.gz").read_bytes() == b"gz"


def test_a_given_package_has_no_source_map(jobs: JobStore, submit: Submit) -> None:
    assert jobs.source_map(submit().id) is None


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/../../x.py", "", ".", "a//b.py", "a/./b.py", "a\0.py"])
def test_no_file_leads_out_of_the_package(
    workspace: Workspace, jobs: JobStore, spec: JobSpec, now: datetime, name: str
) -> None:
    with pytest.raises(PackageError) as raised:
        jobs.create(spec, package_files={name: b"", "fine.py": b""}, now=now)
    assert str(raised.value) == (
        f"files of a package have relative paths without .. in them; not allowed:\n  - {name!r}"
    )
    assert list(workspace.jobs.iterdir()) == []


@pytest.mark.parametrize("changes", [{"display_name": "../x"}, {"model": "a/b"}])
def test_hostile_names_are_refused(
    workspace: Workspace, jobs: JobStore, spec: JobSpec, now: datetime, changes: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="cannot be used: it must start with a letter"):
        jobs.create(replace(spec, **changes), package_files={}, now=now)
    assert list(workspace.jobs.iterdir()) == []


def test_files_that_cannot_be_written_leave_nothing(
    workspace: Workspace, jobs: JobStore, spec: JobSpec, now: datetime
) -> None:
    with pytest.raises(WorkspaceError, match="cannot make a job in"):
        jobs.create(spec, package_files={"a": b"", "a/b.py": b""}, now=now)
    assert jobs.list() == list(workspace.jobs.iterdir()) == []


def test_a_full_disk_leaves_nothing(
    workspace: Workspace, full_database: Database, spec: JobSpec, now: datetime
) -> None:
    with pytest.raises(WorkspaceError, match="The disk is full: free some space"):
        JobStore(full_database).create(replace(spec, args=("x" * 100_000,)), package_files={}, now=now)
    assert list(workspace.jobs.iterdir()) == []


def test_a_full_disk_leaves_the_job_as_it_was(
    workspace: Workspace, full_database: Database, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    record = submit()
    with pytest.raises(WorkspaceError, match="The disk is full: free some space"):
        JobStore(full_database).advance(
            record.id, expect=[JobState.QUEUED], to=JobState.FAILED, now=now, message="x" * 100_000
        )
    assert jobs.get(record.id) == record


def test_a_crash_never_leaves_half_a_job(
    workspace: Workspace,
    database: Database,
    jobs: JobStore,
    submit: Submit,
    killed_at_each_step: Callable[..., Iterator[int]],
) -> None:
    submit()
    for _ in killed_at_each_step(submit):
        shown = {path.name for path in workspace.jobs.iterdir() if not path.name.startswith(".")}
        assert {row.id for row in jobs.list()} <= shown
        assert all((workspace.jobs / name / "state.json").exists() for name in shown)
    for leftover in workspace.jobs.glob(".staging-*"):
        os.utime(leftover, (0, 0))
    assert database.rebuild().problems == ()
    assert not list(workspace.jobs.glob(".*"))


def test_advance_changes_row_and_folder_and_tells_it(
    workspace: Workspace, database: Database, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    record = submit()
    later = now + SECOND
    expected = replace(record, state=JobState.RUNNING, start_time=later, update_time=later, message="runs")
    advanced = jobs.advance(
        record.id, expect={JobState.QUEUED}, to=JobState.RUNNING, now=later, start_time=later, message="runs"
    )
    assert advanced == jobs.get(record.id) == expected
    assert '"RUNNING"' in workspace.job(record.id).state.read_text()
    event = EventLog(database).after(0)[-1]
    assert (event.subject, event.kind, event.time) == (f"job:{record.id}", "state", later)
    assert event.payload == {"displayName": "taxi", "state": "RUNNING", "attempt": 0}


def test_advance_from_another_state_changes_nothing(
    database: Database, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    record = finish(jobs, submit(), now)
    told = EventLog(database).last_id()
    with pytest.raises(ConflictError) as raised:
        jobs.advance(record.id, expect=[JobState.RUNNING, JobState.PENDING], to=JobState.FAILED, now=now)
    assert str(raised.value) == (f"job {record.id} is SUCCEEDED, not PENDING or RUNNING, so it cannot become FAILED.")
    assert jobs.get(record.id) == record
    assert EventLog(database).last_id() == told


def test_advance_of_an_unknown_job_is_an_error(jobs: JobStore, now: datetime) -> None:
    with pytest.raises(NotFoundError):
        jobs.advance("taxi-20260131-123015-0000", expect=[JobState.QUEUED], to=JobState.FAILED, now=now)


def test_of_two_processes_one_advances(
    workspace: Workspace, submit: Submit, jobs: JobStore, race: Callable[..., list[str]]
) -> None:
    setup = """
from datetime import UTC, datetime; from pathlib import Path
from mlmagic.errors import ConflictError; from mlmagic.spec.job import JobState
from mlmagic.workspace.database import Database; from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
store, ids, won = JobStore(Database(Workspace(Path(sys.argv[1])))), sys.argv[2:], []
"""
    contended = """
for job_id in ids:
    try:
        store.advance(job_id, expect=[JobState.QUEUED], to=JobState.CANCELLED, now=datetime.now(UTC))
        won.append(job_id)
    except ConflictError:
        pass
print(*won)
"""
    ids = [submit().id for _ in range(10)]
    won = list(itertools.chain(*(line.split() for line in race(setup, contended, str(workspace.root), *ids))))
    assert sorted(won) == sorted(ids)
    assert {row.state for row in jobs.list()} == {JobState.CANCELLED}


def test_a_job_whose_folder_was_removed_still_ends(
    workspace: Workspace, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    record = submit()
    shutil.rmtree(workspace.job(record.id).root)
    assert finish(jobs, record, now, JobState.LOST).state is JobState.LOST


def test_an_id_that_another_process_takes_meanwhile(
    workspace: Workspace, jobs: JobStore, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, taken = submit().id, list[str]()

    def stage(workspace: Workspace, record: JobRecord, **given: Any) -> JobFolder:
        if not taken:
            taken.append(record.id)
            workspace.job(record.id).logs.mkdir(parents=True)
        return stage_job(workspace, record, **given)

    monkeypatch.setattr("mlmagic.workspace.jobs.stage_job", stage)
    record = submit()
    assert {row.id for row in jobs.list()} == {first, record.id}
    assert {path.name for path in workspace.jobs.iterdir()} == {first, record.id, *taken}
    assert taken != [record.id]


def test_delete_removes_a_job_that_has_ended(
    workspace: Workspace, database: Database, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    record, kept = finish(jobs, submit(), now), submit()
    jobs.delete(record.id)
    assert [row.id for row in jobs.list()] == [path.name for path in workspace.jobs.iterdir()] == [kept.id]
    event = EventLog(database).after(0)[-1]
    assert (event.subject, event.kind) == (f"job:{record.id}", "deleted")
    with pytest.raises(NotFoundError):
        jobs.delete(record.id)


def test_a_job_that_runs_cannot_be_deleted(jobs: JobStore, submit: Submit) -> None:
    record = submit()
    with pytest.raises(ConflictError) as raised:
        jobs.delete(record.id)
    assert str(raised.value) == (f"job {record.id} is QUEUED and cannot be deleted.\nFirst `%jobs cancel {record.id}`.")
    assert jobs.get(record.id) == record


def test_delete_follows_no_link(
    workspace: Workspace, jobs: JobStore, submit: Submit, now: datetime, artifact: Callable[..., Path]
) -> None:
    record, outside = finish(jobs, submit(), now), artifact()
    (workspace.job(record.id).output / "link").symlink_to(outside)
    jobs.delete(record.id)
    assert (outside / "saved_model.pb").exists()
