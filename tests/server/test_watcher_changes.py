from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.queued import Jobs

from mlmagic.errors import BackendError, WorkspaceError
from mlmagic.server.curves_growing import CurveFolders
from mlmagic.server.live import LiveJobs
from mlmagic.server.live_rows import RowReader
from mlmagic.server.live_study import LiveStudies
from mlmagic.server.watcher_changes import Changes
from mlmagic.server.watcher_messages import LAGGING, Message
from mlmagic.spec.codec import decode
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState, EndpointStatus
from mlmagic.spec.job import JobKind, JobState, Placement
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.panel_rows import JobRow
from mlmagic.spec.study import Goal, Measurement, Parameter, ParameterKind, StudySpec, Trial, TrialState
from mlmagic.workspace.cloud_trouble import write_trouble
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.events import EventLog, add_event
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.processes import ProcessIdentity
from mlmagic.workspace.studies import open_trials

PATIENCE = 60.0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Workspace(tmp_path / ".mlmagic"))


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    jobs = Jobs(workspace)
    with jobs.database.read():
        return jobs  # the database has been made


@pytest.fixture
def changes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changes]:
    monkeypatch.setattr("mlmagic.server.watcher_changes.LIVE_SECONDS", 0.0)
    database = Database(workspace, busy_seconds=0.1)
    rows = RowReader(database, LiveJobs(workspace, CurveFolders()), LiveStudies(workspace))
    changes = Changes(database, rows)
    yield changes
    changes.close()


def advance(jobs: Jobs, folder: JobFolder, state: JobState) -> None:
    jobs.store.advance(folder.id, expect=frozenset(JobState), to=state, now=datetime.now(UTC))


def start(jobs: Jobs, folder: JobFolder) -> None:
    jobs.store.claim(folder.id, ProcessIdentity.current())
    now = datetime.now(UTC)
    jobs.store.advance(folder.id, expect=frozenset(JobState), to=JobState.RUNNING, now=now, start_time=now)


def states(messages: list[Message]) -> list[tuple[str, JobState]]:
    rows = [decode(JobRow, json.loads(message.data)) for message in messages if message.event == "job"]
    return [(row.summary.id, row.summary.state) for row in rows]


def look_until(changes: Changes, condition: Callable[[list[Message]], object]) -> list[Message]:
    found: list[Message] = []
    deadline = time.monotonic() + PATIENCE
    while not condition(found):
        assert time.monotonic() < deadline
        found += changes.look()
    return found


def test_what_was_there_before_is_not_told(jobs: Jobs, changes: Changes) -> None:
    jobs.make("")
    changes.begin()
    assert changes.look() == []
    assert changes.last_event == EventLog(jobs.database).last_id()


def test_a_new_job_is_told_as_a_whole_row_with_the_number_of_its_event(jobs: Jobs, changes: Changes) -> None:
    changes.begin()
    job = jobs.make("")
    first, *_ = changes.look()
    assert states([first]) == [(job.id, JobState.QUEUED)]
    assert first.id == changes.last_event == EventLog(jobs.database).last_id()
    assert changes.look() == []


def test_of_several_states_in_between_the_last_is_told(jobs: Jobs, changes: Changes) -> None:
    job = jobs.make("")
    changes.begin()
    start(jobs, job)
    advance(jobs, job, JobState.SUCCEEDED)
    assert states(changes.look()) == [(job.id, JobState.SUCCEEDED)]


def test_a_job_that_was_deleted_is_told_by_its_id(jobs: Jobs, changes: Changes) -> None:
    job = jobs.make("")
    advance(jobs, job, JobState.CANCELLED)
    changes.begin()
    jobs.store.delete(job.id)
    (message,) = changes.look()
    assert (message.event, json.loads(message.data)) == ("deleted", {"job": job.id})


@pytest.mark.parametrize("noun", ["model", "endpoint", "dataset"])
def test_other_nouns_are_told_by_name(jobs: Jobs, changes: Changes, noun: str) -> None:
    changes.begin()
    with jobs.database.write() as connection:
        for kind in ("version", "alias"):
            add_event(connection, f"{noun}:taxi", kind, {}, datetime.now(UTC))
    (message,) = changes.look()
    assert (message.event, json.loads(message.data)) == (noun, {"name": "taxi", "kind": "alias"})


def test_an_endpoint_in_another_state_is_told_though_nobody_wrote_an_event(jobs: Jobs, workspace: Workspace) -> None:
    now = datetime.now(UTC)
    versions = (DeployedVersion(number=1),)
    spec = EndpointSpec(name="taxi", model="taxi", deployed=versions, port=1, create_time=now, update_time=now)
    states = [EndpointState.STARTING]
    rows = RowReader(jobs.database, LiveJobs(workspace, CurveFolders()), LiveStudies(workspace))

    def read() -> list[EndpointRecord]:
        return [EndpointRecord(spec=spec, status=EndpointStatus(state=states[-1], start_time=now, update_time=now))]

    changes = Changes(jobs.database, rows, endpoints=read)
    changes.begin()
    assert changes.look() == []
    states.append(EndpointState.READY)
    (message,) = look_until(changes, bool)
    assert (message.event, json.loads(message.data)) == ("endpoint", {"name": "taxi", "kind": "state"})
    assert changes.look() == []
    changes.close()


def test_nothing_is_read_while_nobody_writes(jobs: Jobs, changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    start(jobs, jobs.make(""))
    changes.begin()
    changes.look()
    monkeypatch.setattr(Database, "read", lambda _: pytest.fail("read"))
    assert [changes.look() for _ in range(5)] == [[]] * 5


def test_what_moves_is_told_without_a_number_and_only_when_it_moved(jobs: Jobs, changes: Changes) -> None:
    job = jobs.make("")
    start(jobs, job)
    job.logs.mkdir(exist_ok=True)
    changes.begin()
    changes.look()
    job.log().write_text("Epoch 2/4\n")
    (message,) = changes.look()
    assert (message.id, json.loads(message.data)["fraction"]) == (None, 0.25)
    assert message.replaces == job.id


def test_a_job_that_ended_does_not_move(jobs: Jobs, changes: Changes) -> None:
    job = jobs.make("")
    start(jobs, job)
    changes.begin()
    advance(jobs, job, JobState.FAILED)
    assert states(changes.look()) == [(job.id, JobState.FAILED)]
    job.logs.mkdir(exist_ok=True)
    job.log().write_text("Epoch 2/4\n")
    assert changes.look() == []


def test_that_a_backend_cannot_be_asked_is_told_of_its_jobs(jobs: Jobs, changes: Changes) -> None:
    job, _ = jobs.make("", backend="google"), jobs.make("")
    advance(jobs, job, JobState.CANCELLING)
    changes.begin()
    write_trouble(jobs.workspace, "google", BackendError("no network"))
    (row,) = (json.loads(message.data) for message in changes.look())
    assert (row["summary"]["id"], row["trouble"]) == (job.id, "no network.")


def test_trouble_that_could_not_be_told_is_told_at_the_next_look(
    jobs: Jobs, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.make("", backend="google")
    advance(jobs, job, JobState.CANCELLING)
    changes.begin()
    write_trouble(jobs.workspace, "google", BackendError("no network"))
    with monkeypatch.context() as patch:
        patch.setattr(RowReader, "moving", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        assert changes.look() == []
    assert [json.loads(message.data)["trouble"] for message in changes.look()] == ["no network."]


def test_jobs_behind_one_that_starts_are_told_what_they_wait_for_now(jobs: Jobs, changes: Changes) -> None:
    placement = Placement(cores=1.0, memory_bytes=1)
    first, second, third = (jobs.make("", placement=placement) for _ in range(3))
    changes.begin()
    start(jobs, first)
    told = {
        row["summary"]["id"]: row.get("waitingFor") for row in (json.loads(message.data) for message in changes.look())
    }
    assert told[second.id] == "it is being started"
    assert told[third.id] == "1 job before it"


def test_the_queue_is_looked_at_once_a_second_however_much_happens(
    jobs: Jobs, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    waiting = [jobs.make("") for _ in range(3)]
    changes.begin()
    changes.look()
    monkeypatch.setattr("mlmagic.server.watcher_changes.LIVE_SECONDS", PATIENCE)
    monkeypatch.setattr(RowReader, "waiting", lambda *_: looks.append(1) or {})
    for job in waiting:
        advance(jobs, job, JobState.CANCELLED)
        assert states(changes.look()) == [(job.id, JobState.CANCELLED)]
    assert len(looks) == len(waiting), "for the rows that are told, and not for the others"
    monkeypatch.setattr("mlmagic.server.watcher_changes.LIVE_SECONDS", 0.0)
    changes.look()
    assert len(looks) > len(waiting)


def test_what_was_told_before_a_failure_is_told(jobs: Jobs, changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.make("")
    start(jobs, job)
    changes.begin()
    changes.look()
    job.logs.mkdir(exist_ok=True)
    job.log().write_text("Epoch 2/4\n")
    monkeypatch.setattr(changes, "_endpoints", lambda: (_ for _ in ()).throw(OSError("gone")))
    (message,) = changes.look()
    assert json.loads(message.data)["fraction"] == 0.25


def test_how_a_trial_ended_is_told_when_its_study_knows(jobs: Jobs, changes: Changes) -> None:
    rate = Parameter(name="rate", kind=ParameterKind.DOUBLE, minimum=0.0, maximum=1.0)
    spec = StudySpec(metric="auc", goal=Goal.MAXIMIZE, parameters=(rate,), trials=4)
    study = jobs.make("", kind=JobKind.TUNING, study=spec)
    start(jobs, study)
    trials = [jobs.make("", parent=study.id, trial=number) for number in (1, 2)]
    for number, trial in enumerate(trials, 1):
        start(jobs, trial)
        tell(study, number, TrialState.ACTIVE)
    changes.begin()
    changes.look()
    advance(jobs, trials[0], JobState.SUCCEEDED)
    changes.look()
    tell(study, 1, TrialState.SUCCEEDED, 0.75)
    told = {row["summary"]["id"]: row.get("note") for row in map(read, changes.look())}
    assert told == {study.id: "1/4 trials · best 0.7500", trials[0].id: "auc 0.7500 · rate=0.1"}
    tell(study, 2, TrialState.SUCCEEDED, 0.5)
    advance(jobs, study, JobState.SUCCEEDED)
    told = {row["summary"]["id"]: row.get("note") for row in map(read, changes.look())}
    assert told[trials[1].id] == "auc 0.5000 · rate=0.1"


def read(message: Message) -> dict[str, Any]:
    return dict(json.loads(message.data))


def tell(study: JobFolder, number: int, state: TrialState, value: float | None = None) -> None:
    with open_trials(study) as log:
        log.write(
            Trial(
                number=number,
                parameters={"rate": "0.1"},
                state=state,
                job=trial_job_id(study.id, number),
                suggest_time=datetime.now(UTC),
                final=None if value is None else Measurement(step=1, value=value),
            )
        )


def test_who_was_away_is_told_what_happened_since(jobs: Jobs, changes: Changes) -> None:
    jobs.make("")
    changes.begin()
    seen = changes.last_event
    assert changes.since(seen) == []
    job = jobs.make("")
    start(jobs, job)
    (message,) = changes.since(seen)
    assert states([message]) == [(job.id, JobState.RUNNING)]


@pytest.mark.parametrize("away", [-5, 5])
def test_who_knows_events_that_are_not_there_is_told_to_begin_anew(jobs: Jobs, changes: Changes, away: int) -> None:
    jobs.make("")
    changes.begin()
    first = changes.last_event
    assert changes.since(first - 1) != [LAGGING]
    assert changes.since(first + away) == [LAGGING]


def test_who_comes_back_where_nothing_is_makes_no_database(jobs: Jobs, workspace: Workspace, changes: Changes) -> None:
    changes.begin()
    changes.close()
    for path in workspace.root.glob("mlmagic.db*"):
        path.unlink()
    assert changes.since(0) == [LAGGING]
    assert not workspace.database.exists()


@pytest.mark.parametrize("error", [sqlite3.OperationalError("locked"), OSError("gone"), WorkspaceError("no.")])
def test_who_comes_back_while_nothing_can_be_read_is_told_to_begin_anew(
    changes: Changes, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(EventLog, "after", fails)
    assert changes.since(0) == [LAGGING]


def test_more_than_can_be_told_is_to_be_read_anew(
    jobs: Jobs, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.server.watcher_changes._MOST_EVENTS", 3)
    changes.begin()
    seen = changes.last_event
    for _ in range(4):
        jobs.make("")
    assert changes.look() == [LAGGING]
    assert changes.since(seen) == [LAGGING]
    job = jobs.make("")
    assert (job.id, JobState.QUEUED) in states(changes.look())


def test_a_workspace_that_is_made_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "later")
    database = Database(workspace)
    rows = RowReader(database, LiveJobs(workspace, CurveFolders()), LiveStudies(workspace))
    changes = Changes(database, rows)
    changes.begin()
    assert changes.look() == []
    assert not workspace.root.exists()
    jobs = Jobs(open_workspace(workspace))
    jobs.make("")
    look_until(changes, lambda found: LAGGING in found)
    job = jobs.make("")
    assert (job.id, JobState.QUEUED) in states(look_until(changes, states))
    changes.close()


def test_a_workspace_that_is_deleted_and_made_again_is_read_anew(
    jobs: Jobs, workspace: Workspace, changes: Changes
) -> None:
    jobs.make("")
    changes.begin()
    shutil.rmtree(workspace.root)
    assert changes.look() == [LAGGING]
    assert changes.look() == []
    assert changes.last_event == 0
    jobs = Jobs(open_workspace(workspace))
    jobs.make("")
    look_until(changes, lambda found: LAGGING in found)
    job = jobs.make("")
    assert (job.id, JobState.QUEUED) in states(look_until(changes, states))


@pytest.mark.filterwarnings("ignore:the database:mlmagic.errors.WorkspaceWarning")
def test_a_database_that_is_rebuilt_is_read_anew(jobs: Jobs, changes: Changes) -> None:
    running = jobs.make("")
    start(jobs, running)
    changes.begin()
    changes.look()
    jobs.database.rebuild()
    assert LAGGING in look_until(changes, lambda found: LAGGING in found)
    advance(jobs, running, JobState.SUCCEEDED)
    assert (running.id, JobState.SUCCEEDED) in states(look_until(changes, states))


@pytest.mark.filterwarnings("ignore:the database:mlmagic.errors.WorkspaceWarning")
def test_a_database_that_is_damaged_ends_nothing(jobs: Jobs, workspace: Workspace, changes: Changes) -> None:
    jobs.make("")
    changes.begin()
    workspace.database.write_bytes(b"this is no database" * 1_000)
    for suffix in ("-wal", "-shm"):
        workspace.database.with_name(workspace.database.name + suffix).unlink(missing_ok=True)
    changes.look()
    job = jobs.make("")
    look_until(changes, lambda found: LAGGING in found or (job.id, JobState.QUEUED) in states(found))


def test_a_database_that_is_locked_loses_nothing(jobs: Jobs, workspace: Workspace, changes: Changes) -> None:
    changes.begin()
    with jobs.database.write() as connection:
        connection.execute("PRAGMA locking_mode = NORMAL")
        add_event(connection, "model:taxi", "version", {}, datetime.now(UTC))
        assert changes.look() == []
    assert [message.event for message in look_until(changes, bool)] == ["model"]


def test_changes_are_seen_where_there_can_be_no_write_ahead_log(jobs: Jobs, changes: Changes) -> None:
    with jobs.database.read() as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    changes.begin()
    job = jobs.make("")
    assert states(changes.look()) == [(job.id, JobState.QUEUED)]
    with jobs.database.read() as connection:
        connection.execute("BEGIN EXCLUSIVE")
        add_event(connection, "model:taxi", "version", {}, datetime.now(UTC))
        assert changes.look() == []
        connection.execute("COMMIT")
    assert [message.event for message in look_until(changes, bool)] == ["model"]


def test_a_read_that_fails_is_done_again(jobs: Jobs, changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    changes.begin()
    job = jobs.make("")

    def locked(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "after", locked)
        assert changes.look() == []
    assert states(changes.look()) == [(job.id, JobState.QUEUED)]


def test_another_thread_may_look_later(jobs: Jobs, changes: Changes) -> None:
    changes.begin()
    job = jobs.make("")
    found: list[Message] = []
    thread = threading.Thread(target=lambda: found.extend(changes.look()))
    thread.start()
    thread.join()
    assert states(found) == [(job.id, JobState.QUEUED)]
