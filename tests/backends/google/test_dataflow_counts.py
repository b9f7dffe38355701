"""Files that the emulator's Dataflow counts for monitoring: the same report as here, from a job like any other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.monitored import rides, training_statistics

from mlmagic.api.monitor import monitor
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.remote import read_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.errors import JobFailed
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobState
from mlmagic.spec.monitoring import FindingKind

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


def test_the_report_of_dataflow_is_that_of_this_machine(session: Session, tmp_path: Path) -> None:
    (tmp_path / "statistics.json").write_text(training_statistics())
    for seed in (1, 2):
        rows = pd.DataFrame(rides(500, seed=seed, factor=1.609344)).drop(columns="fare")
        rows.to_csv(tmp_path / f"may-{seed}.csv", index=False)
    with (tmp_path / "may-2.csv").open("a") as file:
        file.write("far,north\n")
    given = {"statistics": tmp_path / "statistics.json", "input": f"{tmp_path}/may-*.csv", "session": session}
    there, here = monitor(**given, runner="dataflow", workers=2), monitor(**given)
    assert rounded(there) == rounded(here)
    assert [finding.kind for finding in there.findings] == [FindingKind.UNIT_CHANGED]


def test_it_was_a_job_like_any_other(session: Session) -> None:
    (job,) = session.jobs.list()
    record, remote = session.jobs.get(job.id), read_remote(session.workspace.job(job.id))
    assert remote is not None
    assert (record.spec.kind, record.state, record.message) == (
        JobKind.MONITORING,
        JobState.SUCCEEDED,
        "1,000 rows counted",
    )
    assert "Workers have started successfully." in session.jobs.logs(job.id).text
    client = GoogleClient(emulator_settings(session.workspace.emulator))
    counted = client.pipelines.counters(remote.name or "")
    assert (counted["rows_read"], counted["rows_rejected"]) == (1001, 1)


def test_what_cannot_be_read_fails_the_job(session: Session, tmp_path: Path) -> None:
    (tmp_path / "statistics.json").write_text(training_statistics())
    (tmp_path / "may.csv").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(JobFailed, match="is a zip archive"):
        monitor(
            statistics=tmp_path / "statistics.json",
            input=str(tmp_path / "may.csv"),
            runner="dataflow",
            session=session,
        )
