from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import hypertune
import pytest
from support.event_files import event, record

from mlmagic.spec.study import Goal, Measurement, MeasurementSelection
from mlmagic.tuning.measurements import Measurements, MetricReader, Source, read_measurements
from mlmagic.workspace.layout import JobFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    folder = JobFolder(tmp_path / "flights-20260131-123015-0a1b-3")
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(folder.tuning_metrics))
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "3")
    return folder


def write_lines(folder: JobFolder, *lines: object) -> None:
    folder.tuning_metrics.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    folder.tuning_metrics.write_text("\n".join(texts) + "\n")


def write_scalars(folder: Path, **points: list[tuple[int, float]]) -> None:
    folder.mkdir(parents=True)
    events = [record(event(step, **{tag: value})) for tag, found in points.items() for step, value in found]
    folder.joinpath("events.out.tfevents.1.host").write_bytes(b"".join(events))


def steps(measured: Measurements) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in measured.values]


def test_what_the_package_itself_reports(folder: JobFolder) -> None:
    began = datetime.now(UTC)
    reporter = hypertune.HyperTune()
    for step in range(1, 151):
        reporter.report_hyperparameter_tuning_metric("val_loss", 1 / step, global_step=step)
    measured = read_measurements(folder, "val_loss", began)
    assert measured.source is Source.HYPERTUNE
    assert steps(measured) == [(step, 1 / step) for step in range(51, 151)]
    assert all(0 <= one.elapsed_seconds < 60 for one in measured.values)


def test_the_file_is_read_anew_each_time(folder: JobFolder) -> None:
    reader = MetricReader(folder, "loss")
    assert reader.read() == Measurements()
    write_lines(folder, {"loss": "0.5", "global_step": "1"}, {"loss": "0.25", "global_step": "2"})
    assert steps(reader.read()) == [(1, 0.5), (2, 0.25)]
    write_lines(folder, {"loss": "0.125", "global_step": "3"})
    assert steps(reader.read()) == [(3, 0.125)]


def test_a_program_that_names_no_steps(folder: JobFolder) -> None:
    reporter = hypertune.HyperTune()
    for value in (3, 2, 1):
        reporter.report_hyperparameter_tuning_metric("loss", value)
    assert steps(read_measurements(folder, "loss")) == [(1, 3), (2, 2), (3, 1)]


def test_only_lines_of_the_metric_count(folder: JobFolder) -> None:
    write_lines(folder, {"accuracy": "0.9"}, {"loss": "nan", "global_step": "4"}, {"accuracy": "0.8", "auc": "1"})
    measured = read_measurements(folder, "loss")
    assert [one.step for one in measured.values] == [4]
    assert math.isnan(measured.values[0].value)
    assert measured.others == ("accuracy", "auc")


def test_lines_that_are_wrong_are_told_and_left_out(folder: JobFolder) -> None:
    write_lines(folder, "{oops", "[1]", {"loss": "low"}, {"loss": None}, {"loss": 0.5, "global_step": 2.0})
    measured = read_measurements(folder, "loss")
    assert steps(measured) == [(2, 0.5)]
    told = [problem.partition(", line ")[2] for problem in measured.problems]
    assert told == [
        "1: not a JSON object: '{oops'",
        "2: not a JSON object: '[1]'",
        "3: could not convert string to float: 'low'",
        "4: float() argument must be a string or a real number, not 'NoneType'",
    ]


def test_a_scalar_where_nothing_was_reported(folder: JobFolder) -> None:
    write_scalars(folder.tensorboard_dir / "validation", epoch_loss=[(0, 0.5), (3, 0.25)])
    measured = read_measurements(folder, "val_loss")
    assert (measured.source, steps(measured)) == (Source.TENSORBOARD, [(0, 0.5), (3, 0.25)])
    assert [one.elapsed_seconds for one in measured.values] == [0, 3]
    assert read_measurements(folder, "auc").others == ("val_loss",)


def test_what_was_reported_comes_before_scalars(folder: JobFolder) -> None:
    write_scalars(folder.tensorboard_dir, loss=[(0, 0.5)])
    write_lines(folder, {"loss": "0.75", "global_step": "1"})
    assert steps(read_measurements(folder, "loss")) == [(1, 0.75)]


@pytest.mark.parametrize(
    ("values", "goal", "last", "best"),
    [
        ([3.0, 1.0, 2.0], Goal.MINIMIZE, 2.0, 1.0),
        ([3.0, 1.0, 2.0], Goal.MAXIMIZE, 2.0, 3.0),
        ([3.0, math.inf, math.nan], Goal.MAXIMIZE, math.nan, 3.0),
        ([math.nan, math.nan], Goal.MINIMIZE, math.nan, math.nan),
    ],
)
def test_which_measurement_counts(values: list[float], goal: Goal, last: float, best: float) -> None:
    measured = Measurements(values=tuple(Measurement(step=1, value=value) for value in values))
    found = [measured.counting(selection, goal) for selection in MeasurementSelection]
    assert [one.value for one in found if one] == pytest.approx([last, best], nan_ok=True)
    assert Measurements().counting(MeasurementSelection.BEST, goal) is None
