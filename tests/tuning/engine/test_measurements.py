from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import hypertune
import pytest
from support.event_files import event, record

from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.study import Goal, Measurement, MeasurementSelection
from mlmagic.tuning.measurements import Measurements, MetricReader, Source, read_measurements
from mlmagic.workspace.layout import JobFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    folder = JobFolder(tmp_path / "flights-20260131-123015-0a1b-3")
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(folder.tuning_metrics()))
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "3")
    return folder


def write_lines(folder: JobFolder, *lines: object) -> None:
    write_file(folder.tuning_metrics(), *lines)


def write_file(path: Path, *lines: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n")


def write_scalars(folder: Path, **points: list[tuple[int, float]]) -> None:
    folder.mkdir(parents=True)
    events = [record(event(step, **{tag: value})) for tag, found in points.items() for step, value in found]
    folder.joinpath("events.out.tfevents.1.host").write_bytes(b"".join(events))


def steps(measured: Measurements) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in measured.values]


def record_of(attempt: int = 1, began: datetime | None = None) -> JobRecord:
    spec = JobSpec(display_name="flights", package=PackageReference(digest="d"))
    now = datetime.now(UTC)
    times = {"create_time": now, "update_time": now, "start_time": began}
    return JobRecord(id="flights-1", spec=spec, state=JobState.RUNNING, attempt=attempt, **times)  # type: ignore[arg-type]


def test_what_the_package_itself_reports(folder: JobFolder) -> None:
    began = datetime.now(UTC)
    reporter = hypertune.HyperTune()
    for step in range(1, 151):
        reporter.report_hyperparameter_tuning_metric("val_loss", 1 / step, global_step=step)
    measured = read_measurements(folder, "val_loss", record_of(began=began))
    assert measured.source is Source.HYPERTUNE
    assert steps(measured) == [(step, 1 / step) for step in range(51, 151)]
    assert all(0 <= one.elapsed_seconds < 60 for one in measured.values)


def test_the_file_is_read_anew_each_time_and_what_was_in_it_stays(folder: JobFolder) -> None:
    reader = MetricReader(folder, "loss")
    assert reader.read() == Measurements()
    write_lines(folder, {"loss": "0.5", "global_step": "1"}, {"loss": "0.25", "global_step": "2"})
    assert steps(reader.read()) == [(1, 0.5), (2, 0.25)]
    write_lines(folder, {"loss": "0.125", "global_step": "3"})
    assert steps(reader.read()) == [(1, 0.5), (2, 0.25), (3, 0.125)]
    assert not folder.kept_reports.exists()


def test_a_program_that_names_no_steps(folder: JobFolder) -> None:
    reporter = hypertune.HyperTune()
    for value in (3, 2, 1):
        reporter.report_hyperparameter_tuning_metric("loss", value)
    assert steps(read_measurements(folder, "loss")) == [(1, 3), (2, 2), (3, 1)]


def test_what_the_package_forgets_is_kept_for_other_processes(folder: JobFolder) -> None:
    folder.root.mkdir()
    reporter, reader = hypertune.HyperTune(), MetricReader(folder, "loss", keeps=True)
    curve = [(step, float(step == 40)) for step in range(1, 301)]
    for step, value in curve:
        reporter.report_hyperparameter_tuning_metric("loss", value, global_step=step)
        if step % 60 == 0:
            read = reader.read()
    assert steps(read) == steps(read_measurements(folder, "loss")) == curve
    assert len(folder.tuning_metrics().read_text().splitlines()) == 100
    counting = read.counting(MeasurementSelection.BEST, Goal.MAXIMIZE)
    assert counting is not None
    assert counting.step == 40
    assert read_measurements(folder, "other").others == ("loss",)


def test_steps_that_nobody_names_are_counted_from_the_first_report(folder: JobFolder) -> None:
    folder.root.mkdir()
    reader = MetricReader(folder, "loss", keeps=True)
    for value in (3, 2, 1):
        hypertune.HyperTune().report_hyperparameter_tuning_metric("loss", value)
        read = reader.read()
    assert steps(read) == steps(read_measurements(folder, "loss")) == [(1, 3), (2, 2), (3, 1)]


def test_what_an_earlier_attempt_reported_does_not_count(folder: JobFolder) -> None:
    folder.root.mkdir()
    reader = MetricReader(folder, "loss", keeps=True)
    write_lines(folder, {"loss": "0.5", "global_step": "1"}, {"loss": "0.25", "global_step": "2"})
    reader.read(record_of(1))
    write_lines(folder, {"loss": "0.75", "global_step": "1"})
    assert steps(reader.read(record_of(2))) == [(1, 0.75)]
    assert steps(read_measurements(folder, "loss", record_of(2))) == [(1, 0.75)]
    assert steps(read_measurements(folder, "loss")) == [(1, 0.75)]


def test_what_was_kept_in_part_costs_nothing_else(folder: JobFolder) -> None:
    folder.root.mkdir()
    for step in (1, 2, 3):
        write_lines(folder, {"loss": str(step), "global_step": str(step)})
        MetricReader(folder, "loss", keeps=True).read()
        if step == 2:
            folder.kept_reports.write_bytes(folder.kept_reports.read_bytes()[:-20])
    assert steps(read_measurements(folder, "loss")) == [(1, 1), (3, 3)]


def test_what_cannot_be_kept_is_kept_later(folder: JobFolder) -> None:
    reader = MetricReader(folder, "loss", keeps=True)
    folder.kept_reports.mkdir(parents=True)
    write_lines(folder, {"loss": "1", "global_step": "1"})
    assert steps(reader.read()) == [(1, 1)]
    folder.kept_reports.rmdir()
    write_lines(folder, {"loss": "2", "global_step": "2"})
    reader.read()
    assert steps(read_measurements(folder, "loss")) == [(1, 1), (2, 2)]


def test_each_replica_has_a_file_and_the_chiefs_counts(folder: JobFolder) -> None:
    for number, role in enumerate(("evaluator", "ps", "worker")):
        line = {"loss": str(number), "val_loss": str(number), "global_step": "1"}
        write_file(folder.tuning_metrics(role), line)
    write_lines(folder, {"loss": "7", "global_step": "1"})
    assert steps(read_measurements(folder, "loss")) == [(1, 7)]
    assert steps(read_measurements(folder, "val_loss")) == [(1, 0)]
    assert read_measurements(folder, "val_loss").others == ("loss",)


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


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"loss": "0.5", "global_step": 1e999}', "cannot convert float infinity to integer"),
        ('{"loss": "0.5", "global_step": "nan"}', "cannot convert float NaN to integer"),
        ('{"loss": "0.5", "global_step": 1e300}', "global_step is 1e+300"),
        ('{"loss": ' + "9" * 400 + "}", "int too large to convert to float"),
        ('{"loss": "0.5", "timestamp": NaN}', "timestamp is nan"),
        ('{"loss": "0.5", "timestamp": "-inf"}', "timestamp is -inf"),
        ("[" * 100_000, f"not a JSON object: '{'[' * 80}'"),
        (json.dumps({"loss": "low" * 1000}), "could not convert string to float: 'low"),
    ],
    ids=["step", "no step", "late", "long", "time", "no time", "deep", "text"],
)
def test_numbers_that_are_none_are_wrong(folder: JobFolder, line: str, problem: str) -> None:
    write_lines(folder, {"loss": "0.25", "global_step": "1"}, line)
    measured = read_measurements(folder, "loss")
    assert steps(measured) == [(1, 0.25)]
    (told,) = measured.problems
    assert told.startswith(f"{folder.tuning_metrics()}, line 2: {problem}")
    assert len(told) < len(str(folder.tuning_metrics())) + 250


def test_names_that_no_line_can_hold_are_told_as_python_writes_them(folder: JobFolder) -> None:
    write_lines(folder, '{"a\\nb": "1", "\\ud800": "2", "☃": "3"}')
    assert read_measurements(folder, "loss").others == (r"'\ud800'", r"'a\nb'", "☃")


def test_whatever_goes_wrong_is_a_problem_and_no_error(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError("too much")

    monkeypatch.setattr("mlmagic.runtime.scalars.ScalarReader.read", fail)
    assert read_measurements(folder, "loss").problems == (f"{folder.tuning_metrics_dir}: MemoryError: too much",)
    folder.tuning_metrics().mkdir(parents=True)
    monkeypatch.undo()
    assert read_measurements(folder, "loss") == Measurements()


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
