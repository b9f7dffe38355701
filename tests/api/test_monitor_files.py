"""Rows of files against what a model was trained on, or against statistics alone."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from support.flights import statistics_of
from support.monitored import TYPES, register, rides, training_statistics

from mlmagic.api import monitor_files
from mlmagic.api.monitor import monitor
from mlmagic.errors import BackendError, UsageError
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import ColumnType, DatasetSchema
from mlmagic.spec.monitoring import FindingKind
from mlmagic.spec.statistics import DatasetStatistics, RowCounts


def frame(**options):
    return pd.DataFrame(rides(1000, **options)).drop(columns="fare")


@pytest.fixture
def statistics(tmp_path):
    path = tmp_path / "statistics.json"
    path.write_text(training_statistics())
    return path


def write_csv(rows, path):
    rows.to_csv(path, index=False)


def write_jsonl(rows, path):
    path.write_text("\n".join(map(json.dumps, rows.to_dict("records"))))


@pytest.mark.parametrize(
    ("name", "write"),
    [("may.csv", write_csv), ("may.jsonl", write_jsonl), ("may.parquet", pd.DataFrame.to_parquet)],
)
def test_kilometres_in_files_are_named(session, tmp_path, name, write):
    register(session, tmp_path)
    write(frame(seed=1, factor=1.609344), tmp_path / name)
    found = monitor(model="taxi", input=str(tmp_path / name), session=session)
    assert [finding.kind for finding in found.findings] == [FindingKind.UNIT_CHANGED]
    assert (found.rows, found.subject, found.windows[0].version) == (1000, name, "taxi@1")


def test_a_data_frame_of_the_same_rides_raises_no_alarm(session, tmp_path):
    register(session, tmp_path)
    assert not monitor(model="taxi", input=frame(seed=1), session=session).has_anomaly


def test_statistics_stand_for_a_model(session, tmp_path, statistics):
    for part in ("a", "b"):
        write_csv(frame(seed=1, zones=("north", "east")), tmp_path / f"rides-{part}.csv")
    found = monitor(statistics=statistics, input=str(tmp_path / "rides-*.csv"), session=session)
    assert found.rows == 2000
    assert [finding.kind for finding in found.findings] == [FindingKind.NEW_VALUES]
    assert found.notes == ("Not compared, for the files do not have it: fare.",)


def test_very_many_files(session, tmp_path, statistics):
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    write_csv(frame(seed=1)[:1], folder / "ride-0.csv")
    for number in range(1, 1000):
        (folder / f"ride-{number}.csv").hardlink_to(folder / "ride-0.csv")
    assert monitor(statistics=statistics, input=str(folder / "ride-*.csv"), session=session).rows == 1000


def test_rows_that_cannot_be_read_are_told(session, tmp_path, statistics):
    rows = frame(seed=1).astype({"miles": object})
    rows.loc[:2, "miles"] = "far"
    write_csv(rows, tmp_path / "may.csv")
    found = monitor(statistics=statistics, input=str(tmp_path / "may.csv"), session=session)
    assert found.rows == 997
    assert found.notes[0] == "3 rows of input could not be read: miles: not a number (3)."


def test_a_file_that_is_none(session, tmp_path, statistics):
    (tmp_path / "may.csv").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(UsageError, match=r"input cannot be read:\n.*is a zip archive"):
        monitor(statistics=statistics, input=str(tmp_path / "may.csv"), session=session)


def test_a_model_that_keeps_no_statistics(session, tmp_path):
    register(session, tmp_path, has_statistics=False)
    with pytest.raises(UsageError, match=r"taxi@1 keeps no statistics .*\n.*--statistics .mlmagic/datasets"):
        monitor(model="taxi", input=frame(seed=1), session=session)


def test_slices_need_the_rows_of_the_baseline(session, tmp_path, statistics):
    with pytest.raises(UsageError, match=r"by: the slices of statistics cannot be told"):
        monitor(statistics=statistics, input=frame(seed=1), by="zone", session=session)


def test_what_belongs_to_endpoints_alone(session, tmp_path):
    with pytest.raises(UsageError) as raised:
        monitor(input=frame(seed=1), against="window", last="1h", session=session)
    told = str(raised.value)
    assert "last: only for an endpoint" in told
    assert "files have no window before them" in told
    assert "model is missing" in told


def test_a_dataframe_is_called_so_and_one_without_what_the_model_takes_is_refused(session, tmp_path):
    register(session, tmp_path)
    assert monitor(model="taxi", input=frame(seed=1), session=session).subject == "DataFrame"
    with pytest.raises(UsageError, match=r"no row of the input has a value to compare: of miles, zone\.") as raised:
        monitor(model="taxi", input=pd.DataFrame({"other": [1.0, 2.0]}), session=session)
    assert raised.value.hint == "Its columns are called otherwise, or it is another file."


def test_the_key_of_the_dataset_that_statistics_are_of_is_not_compared(session, tmp_path):
    rows = rides(1000, seed=0)
    known = statistics_of({**rows, "ride": np.arange(1000)}, TYPES | {"ride": ColumnType.INTEGER})
    (tmp_path / "statistics.json").write_text(
        dumps(DatasetStatistics(splits={"train": known}, rows=RowCounts(read=1000, written=1000)))
    )
    frame = pd.DataFrame(rows).assign(ride=np.arange(1000) + 5000)
    given = {"statistics": tmp_path / "statistics.json", "input": frame, "session": session}
    assert {finding.feature for finding in monitor(**given).findings} == {"ride"}
    (tmp_path / "schema.json").write_text(dumps(DatasetSchema(columns=(), key="ride")))
    assert monitor(**given).findings == ()
    (tmp_path / "schema.json").write_text("torn")
    assert {finding.feature for finding in monitor(**given).findings} == {"ride"}


def test_where_statistics_are_is_told(session, tmp_path):
    with pytest.raises(UsageError, match=r"No such file or directory\. A dataset has them: \.mlmagic/datasets/NAME"):
        monitor(statistics=tmp_path / "statistics.json", input=frame(seed=1), session=session)


@pytest.fixture
def dying(tmp_path, monkeypatch):
    """Have the program that reads do something else."""

    def put(code, program="_PROGRAM"):
        (tmp_path / "dying.py").write_text(f"import os, signal, sys\n{code}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(monitor_files, program, "dying")

    return put


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", r"was killed \(SIGKILL\), perhaps for want of memory\.$"),
        ("os.abort()", r"was ended by SIGABRT\.$"),
        ("sys.exit('full')", r"ended with exit code 1\.\nfull$"),
    ],
)
def test_how_the_program_that_reads_ended(session, statistics, dying, end, told):
    dying(end)
    with pytest.raises(BackendError, match=r"input cannot be read: the program that reads it " + told):
        monitor(statistics=statistics, input=frame(seed=1), session=session)


def test_how_the_pipeline_ended(session, statistics, dying):
    dying("os.kill(os.getpid(), signal.SIGKILL)", "_PIPELINE")
    with pytest.raises(BackendError, match=r"the program that reads it was killed \(SIGKILL\), perhaps for want"):
        monitor(statistics=statistics, input=frame(seed=1), runner="direct", session=session)
