"""The supervisor within this process; as a process of its own it is examined with the local backend."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.event_files import event
from support.event_files import record as framed
from support.queued import Jobs
from support.tensorflow_models import saved_models

from mlmagic.errors import WorkspaceError
from mlmagic.runtime import claim, closing, programs
from mlmagic.runtime.program import ColdLauncher
from mlmagic.runtime.rehearsal import rehearse
from mlmagic.runtime.supervisor import Supervisor
from mlmagic.runtime.watch import Watch
from mlmagic.spec import codec
from mlmagic.spec.job import ExitRecord, JobRecord, JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity

Supervise = Callable[..., JobRecord]


def when(condition: Callable[[], bool], action: Callable[[], object]) -> None:
    """Do something from a thread, as soon as the condition holds."""
    done = threading.Event()

    def watch() -> None:
        while not condition():
            done.wait(0.01)
        action()

    threading.Thread(target=watch, daemon=True).start()


def has_printed(folder: JobFolder, text: str) -> Callable[[], bool]:
    return lambda: folder.log().exists() and text in folder.log().read_text()


def test_a_job_from_claim_to_exit_record(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make("print('hello')\n", model="taxi")
    record = supervise(folder)
    assert (record.state, record.exit_code, record.attempt) == (JobState.SUCCEEDED, 0, 1)
    assert record.message == "no model was written to AIP_MODEL_DIR, so no version was made"
    assert folder.log().read_text() == f"hello\nmlmagic: {record.message}\n"
    written = codec.loads(ExitRecord, folder.exit.read_bytes())
    assert (written.state, written.start_time, written.end_time) == (record.state, record.start_time, record.end_time)
    assert not (folder.root / "exit.reserve").exists()


def test_what_another_supervisor_has_is_left_alone(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make("print('hello')\n")
    jobs.store.claim(folder.id, ProcessIdentity.current())
    assert supervise(folder).state is JobState.PENDING
    assert not folder.log().exists()


def test_a_traceback_points_at_the_notebook(jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.source.sourcemap.translate", lambda *_, **__: "Cell [5], line 3\nboom")
    folder = jobs.make("raise ValueError('boom')\n")
    record = supervise(folder)
    assert record.error is not None
    assert record.error.traceback == "Cell [5], line 3\nboom"
    assert (
        folder.log()
        .read_text()
        .endswith(
            "ValueError: boom\nmlmagic: in your notebook:\nCell [5], line 3\nboom\nmlmagic: failed: ValueError: boom\n"
        )
    )


def test_a_traceback_that_cannot_be_mapped_stays_as_it_is(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.source.sourcemap.translate", lambda *_, **__: {}["line"])
    record = supervise(jobs.make("raise ValueError('boom')\n"))
    assert record.error is not None
    assert (record.error.traceback or "").endswith("ValueError: boom")


def test_sigterm_then_sigkill(jobs: Jobs, supervise: Supervise) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')\ntime.sleep(600)\n"
    folder = jobs.make(deaf)
    when(has_printed(folder, "deaf"), lambda: os.kill(os.getpid(), signal.SIGTERM))
    record = supervise(folder, grace=0.2)
    assert (record.state, record.exit_code) == (JobState.CANCELLED, -signal.SIGKILL)


def test_a_timeout_gives_the_same_grace(jobs: Jobs, supervise: Supervise) -> None:
    source = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: exit(7))\nprint('ready')\ntime.sleep(600)\n"
    record = supervise(jobs.make(source, timeout_seconds=2.5))
    assert (record.state, record.exit_code) == (JobState.FAILED, 7)
    assert record.error is not None
    assert record.error.message == "the program ran longer than its timeout of 2.5 s"
    assert record.error.hint == "Give it more time with --timeout, or less to do."


def test_an_interpreter_that_is_gone(jobs: Jobs, supervise: Supervise, tmp_path: Path) -> None:
    record = supervise(jobs.make("print(1)\n", python=str(tmp_path / "python")))
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.message == f"the program could not be started: {tmp_path}/python: No such file or directory"
    assert record.error.hint == "Is the Python environment of the notebook still there?"


def test_a_folder_that_is_gone(jobs: Jobs, supervise: Supervise, tmp_path: Path) -> None:
    record = supervise(jobs.make("print(1)\n", working_directory=str(tmp_path / "gone")))
    assert record.error is not None
    assert record.error.message == f"the program could not be started: its folder {tmp_path}/gone does not exist"


def test_a_failure_of_its_own_is_told(jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "program_environment", lambda *_: {}["environment"])
    record = supervise(jobs.make("print(1)\n"))
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.message == "mlmagic's supervisor failed: KeyError: 'environment'"


def test_a_model_that_cannot_be_registered(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make(
        "import os, pathlib\n(pathlib.Path(os.environ['AIP_MODEL_DIR']) / 'saved_model.pb').touch()\n", model="taxi"
    )
    record = supervise(folder)
    assert (record.state, record.exit_code, record.model_version) == (JobState.FAILED, 0, None)
    assert record.error is not None
    assert record.error.message == (
        "the program succeeded, but its model cannot become a version: it has no graph with the tag `serve`"
    )
    assert record.error.hint == f"The model is still in {folder.model_dir}."


def test_the_exit_record_outlives_a_broken_database(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = jobs.make("print('hello')\n")
    advance = JobStore.advance

    def fail_at_the_end(self: JobStore, job_id: str, **keywords: object) -> JobRecord:
        if keywords["to"] is JobState.SUCCEEDED:
            raise OSError("the disk is gone")
        return advance(self, job_id, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(JobStore, "advance", fail_at_the_end)
    monkeypatch.setattr(closing.time, "sleep", lambda _: None)
    assert supervise(folder).state is JobState.RUNNING
    assert codec.loads(ExitRecord, folder.exit.read_bytes()).state is JobState.SUCCEEDED


def test_a_database_that_cannot_be_written_meanwhile(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = jobs.make("print('hello')\n")
    advance = JobStore.advance

    def fail_at_the_start(self: JobStore, job_id: str, **keywords: object) -> JobRecord:
        if keywords["to"] is JobState.RUNNING:
            raise WorkspaceError("the disk is full")
        return advance(self, job_id, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(JobStore, "advance", fail_at_the_start)
    record = supervise(folder)
    assert record.state is JobState.SUCCEEDED
    assert record.start_time is not None


def test_a_claim_is_tried_again(jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, original, tries = jobs.make("pass\n"), JobStore.claim, []

    def locked_once(*arguments: object, **options: object) -> int | None:
        tries.append(1)
        if len(tries) == 1:
            raise WorkspaceError("the database is locked.")
        return original(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(JobStore, "claim", locked_once)
    assert supervise(folder).state is JobState.SUCCEEDED


def test_its_claim_is_touched_as_long_as_it_lives(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "HEARTBEAT_SECONDS", 0.0)
    source = "import os, pathlib, time\n"
    source += "claim = pathlib.Path(os.environ['AIP_MODEL_DIR']).parents[1] / 'attempt-1.claim'\n"
    source += "os.utime(claim, (1, 1))\nwhile claim.stat().st_mtime == 1: time.sleep(0.01)\n"
    assert supervise(jobs.make(source)).state is JobState.SUCCEEDED


def test_an_environment_that_was_lost_is_told(jobs: Jobs) -> None:
    folder = jobs.make("print('hello')\n")
    with Watch() as watch:
        Supervisor(folder, watch, launcher=ColdLauncher(), environment=None).run()
    assert folder.log().read_text() == (
        "mlmagic: its environment variables are gone, as after a restart of the machine: it gets mlmagic's own\nhello\n"
    )


def test_metrics_are_kept_of_failures_too(jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.runtime.scalars.final_metrics", lambda _: {"loss": 0.5, "val_loss": float("nan")})
    folder = jobs.make("raise ValueError('x')\n")
    assert supervise(folder).metrics == {"loss": 0.5}
    assert codec.loads(ExitRecord, folder.exit.read_bytes()).metrics == {"loss": 0.5}


def test_a_version_keeps_the_metrics_and_the_study_of_its_job(
    jobs: Jobs, supervise: Supervise, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model, events = saved_models(tmp_path_factory) / "half", framed(event(1, val_mae=0.25))
    program = f"""
import os, pathlib, shutil
shutil.copytree({str(model)!r}, os.environ["AIP_MODEL_DIR"], dirs_exist_ok=True)
log = pathlib.Path(os.environ["AIP_TENSORBOARD_LOG_DIR"]) / "events.out.tfevents.1"
log.parent.mkdir(parents=True, exist_ok=True)
log.write_bytes({events!r})
"""
    record = supervise(jobs.make(program, model="taxi", from_study="taxi-20260101-000000-0a1b"))
    (version,) = ModelStore(jobs.database).versions("taxi")
    assert record.metrics == version.origin.metrics == {"val_mae": 0.25}
    assert version.origin.study == "taxi-20260101-000000-0a1b"


def test_metrics_that_cannot_be_read_fail_nothing(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.runtime.scalars.final_metrics", lambda _: {}["loss"])
    assert supervise(jobs.make("pass\n")).state is JobState.SUCCEEDED


def test_told_to_end_before_it_began(jobs: Jobs) -> None:
    folder = jobs.make("print('hello')\n")
    with Watch() as watch:
        os.kill(os.getpid(), signal.SIGTERM)
        Supervisor(folder, watch, launcher=ColdLauncher(), environment=os.environ).run()
    record = jobs.store.get(folder.id)
    assert (record.state, record.message) == (JobState.CANCELLED, "cancelled before it began")
    assert folder.log().read_text() == "mlmagic: cancelled before it began\n"


def test_the_numbers_of_the_dead_mean_no_neighbours(jobs: Jobs) -> None:
    folder, other = jobs.make("pass\n"), jobs.make("pass\n")
    own = ProcessIdentity.current()
    dead = ProcessIdentity(pid=own.pid, start_time=own.start_time - 1, boot_id=own.boot_id)
    other.claim(1).write_text(codec.dumps(dead))
    other.claim(2).write_text(codec.dumps(own))
    with Watch() as watch:
        supervisor = Supervisor(folder, watch, launcher=ColdLauncher(), environment=os.environ)
    assert supervisor._neighbours() == {own.pid}
    other.claim(2).unlink()
    assert supervisor._neighbours() == set()


def test_what_supervisors_import_is_imported_beforehand() -> None:
    rehearse()
    assert {"sqlite3", "fcntl", "ctypes", "mlmagic.source.sourcemap"} <= sys.modules.keys()
