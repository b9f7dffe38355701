"""Files that the emulator's Dataflow counts for monitoring: the same report as here, from a job like any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from support.dataset_tables import register as register_dataset
from support.monitored import register, rides

from mlmagic.api import monitor_dataflow
from mlmagic.api.monitor import monitor
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.remote import read_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.errors import JobFailed, WaitTimeout
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobState
from mlmagic.spec.monitoring import FindingKind

_DOOMED = """
import json, os, signal, sys
from mlmagic.api import monitor_dataflow
from mlmagic.api.monitor import monitor

monitor_dataflow.wait_for_end = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
monitor(**json.loads(sys.argv[1]), runner="dataflow", workers=2, invocation="%monitor and so on")
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("counts")
    environ = {**os.environ, "MLMAGIC_HOME": str(folder / ".mlmagic"), "MLMAGIC_BACKEND": "emulator"}
    session = Session(environ=environ, start=folder)
    backend = session.backend("emulator")  # which starts the emulator
    yield session
    backend.close()
    session.stop_emulator()


def rounded(document: Any) -> Any:
    """Return a report whose numbers lack the last digits, which depend on how rows were divided."""
    return json.loads(codec.dumps(document), parse_float=lambda text: float(f"{float(text):.12g}"))


@pytest.fixture(scope="module")
def files(session: Session, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Write what is compared, and return it as arguments."""
    folder = tmp_path_factory.mktemp("files")
    table = pa.table(rides(3000, seed=0))
    register_dataset(session, "rides", {"train": table, "eval": table.slice(0, 10)}, target="fare")
    register(session, folder, dataset="rides@1")
    for seed in (1, 2):
        rows = pd.DataFrame(rides(500, seed=seed, factor=1.609344)).drop(columns="fare")
        rows.to_csv(folder / f"may-{seed}.csv", index=False)
    with (folder / "may-2.csv").open("a") as file:
        file.write("far,north\n")
    return {"model": "taxi", "input": f"{folder}/may-*.csv", "by": "zone"}


def killed_while_it_waits(session: Session, files: dict[str, Any]) -> None:
    """Start the job in a process that is killed as soon as it waits for it."""
    environ = {**os.environ, "MLMAGIC_HOME": str(session.workspace.root), "MLMAGIC_BACKEND": "emulator"}
    done = subprocess.run([sys.executable, "-c", _DOOMED, json.dumps(files)], env=environ, check=False)
    assert done.returncode == -signal.SIGKILL


def test_the_same_line_finds_the_job_of_a_process_that_was_killed(session: Session, files: dict[str, Any]) -> None:
    killed_while_it_waits(session, files)
    there, here = monitor(**files, runner="dataflow", workers=3, session=session), monitor(**files, session=session)
    assert rounded(there) == rounded(here)
    assert [finding.kind for finding in there.findings] == [FindingKind.UNIT_CHANGED]
    assert [part.value for part in there.windows[0].report.slices] == ["north", "south"]


def test_it_was_a_job_like_any_other(session: Session) -> None:
    (job,) = session.jobs.list()
    record, remote = session.jobs.get(job.id), read_remote(session.workspace.job(job.id))
    assert remote is not None
    assert (record.spec.kind, record.state, record.message) == (
        JobKind.MONITORING,
        JobState.SUCCEEDED,
        "1,000 rows counted",
    )
    assert record.spec.invocation == "%monitor and so on"
    assert "Workers have started successfully." in session.jobs.logs(job.id).text
    client = GoogleClient(emulator_settings(session.workspace.emulator))
    counted = client.pipelines.counters(remote.name or "")
    assert (counted["rows_read"], counted["rows_rejected"]) == (1001, 1)


def test_what_was_counted_is_compared_at_once(
    session: Session, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(session, "tell", told.append)
    found = monitor(**files, threshold=0.2, runner="dataflow", session=session)
    (job,) = session.jobs.list()
    assert found.rows == 1000
    assert told == [f"{job.id} has counted the same files: what it counted is compared, and nothing is started."]


def test_files_that_were_written_again_are_counted_again(
    session: Session, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    Path(files["input"]).with_name("may-1.csv").write_bytes(b"PK\x03\x04 and so on")
    with monkeypatch.context() as patch:
        patch.setattr(monitor_dataflow, "wait_for_end", interrupted)
        with pytest.raises(WaitTimeout, match=r"goes on counting.*\n.*the same line, typed a"):
            monitor(**files, runner="dataflow", session=session)
    with pytest.raises(JobFailed, match="is a zip archive"):
        monitor(**files, runner="dataflow", session=session)
    assert [each.state for each in session.jobs.list()] == [JobState.FAILED, JobState.SUCCEEDED]
