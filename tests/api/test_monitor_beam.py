"""Files that a pipeline of Beam counts: the report is that of this process."""

from __future__ import annotations

import json
from collections import defaultdict

import pandas as pd
import pytest
from support.monitored import register, rides, training_statistics

from mlmagic.api.monitor import monitor
from mlmagic.api.monitor_arguments import read_wanted
from mlmagic.api.monitor_dataflow import with_runner
from mlmagic.errors import UsageError
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.monitoring import FindingKind


@pytest.fixture
def statistics(tmp_path):
    path = tmp_path / "statistics.json"
    path.write_text(training_statistics())
    return path


def rounded(document):
    """Return a report whose numbers lack the last digits, which depend on how rows were divided."""
    return json.loads(codec.dumps(document), parse_float=lambda text: float(f"{float(text):.12g}"))


def write(folder, *seeds, **options):
    for seed in seeds:
        pd.DataFrame(rides(1000, seed=seed, **options)).drop(columns="fare").to_csv(
            folder / f"may-{seed}.csv", index=False
        )
    return str(folder / "may-*.csv")


def test_the_report_is_the_same(session, tmp_path, statistics):
    given = {"statistics": statistics, "input": write(tmp_path, 1, 2, 3, factor=1.609344), "session": session}
    here, pipeline = monitor(**given), monitor(**given, runner="direct")
    assert rounded(pipeline) == rounded(here)
    assert [finding.kind for finding in pipeline.findings] == [FindingKind.UNIT_CHANGED]
    assert pipeline.rows == 3000
    assert pipeline.notes == ("Not compared, for the files do not have it: fare.",)


def test_rows_that_cannot_be_read_are_told_the_same(session, tmp_path):
    register(session, tmp_path)
    pattern = write(tmp_path, 4)
    with (tmp_path / "may-4.csv").open("a") as file:
        file.write("far,north\n")
    given = {"model": "taxi", "input": pattern, "session": session}
    here, pipeline = monitor(**given), monitor(**given, runner="direct")
    assert codec.dumps(pipeline) == codec.dumps(here)
    assert pipeline.notes[0] == "1 row of input could not be read: miles: not a number (1)."


def test_what_cannot_be_read_is_an_error_of_the_pipeline_too(session, tmp_path, statistics):
    (tmp_path / "may.csv").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(UsageError, match=r"input cannot be read:\n.*is a zip archive"):
        monitor(statistics=statistics, input=str(tmp_path / "may.csv"), runner="direct", session=session)


@pytest.mark.parametrize(("backend", "runner"), [("local", None), ("emulator", "dataflow")])
def test_files_in_buckets_are_counted_there(tmp_path, backend, runner):
    session = Session(environ={"MLMAGIC_BACKEND": backend}, start=tmp_path)
    given = {"model": "taxi", "against": "training"}
    words = ("gs://rides/may-*.csv", write(tmp_path, 1))
    wanted = [read_wanted(tmp_path, defaultdict(lambda: None, **given, input=word)) for word in words]
    assert [with_runner(session, each).runner for each in wanted] == [runner, None]
    session.close()


def test_runners_that_there_are(session, tmp_path, statistics):
    given = {"statistics": statistics, "input": write(tmp_path, 1), "session": session}
    with pytest.raises(UsageError, match=r"runner is direct, a pipeline of Beam on this machine, or dataflow, not 'f'"):
        monitor(**given, runner="f")
    with pytest.raises(UsageError, match=r"runner dataflow needs Google Cloud, .*\n.*--runner direct"):
        monitor(**given, runner="dataflow")
    with pytest.raises(UsageError, match=r"runner: only with input.*\n.*workers: only with runner dataflow"):
        monitor("rides", runner="direct", workers=2, session=session)
