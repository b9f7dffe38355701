"""What a program tells hyperparameter tuning: a file in the format of cloudml-hypertune, at most 100 lines long."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from mlmagic.source.parts import part_text


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tuning reads."""
    path = tmp_path / "hypertune" / "output.metrics"
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(path))
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "3")
    return path


@pytest.fixture
def trainer_report(file: Path) -> ModuleType:
    """The module `trainer.report` of a package."""
    path = file.parents[1] / "report.py"
    path.write_text(part_text("report"))
    spec = importlib.util.spec_from_file_location("trainer_report", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(file: Path, name: str) -> list[tuple[int, float]]:
    lines: list[Mapping[str, str]] = [json.loads(line) for line in file.read_text().splitlines()]
    return [(int(line["global_step"]), float(line[name])) for line in lines if name in line]


def test_each_epoch_is_a_line_of_each_metric(trainer_report, file: Path) -> None:
    for epoch, loss in enumerate([0.5, 0.25], start=1):
        trainer_report.add_measurements({"loss": loss, "val_loss": loss * 2}, epoch)
    assert told(file, "loss") == [(1, 0.5), (2, 0.25)]
    assert told(file, "val_loss") == [(1, 1.0), (2, 0.5)]
    last = json.loads(file.read_text().splitlines()[-1])
    assert last.keys() == {"checkpoint_path", "global_step", "timestamp", "trial", "val_loss"}
    assert last["trial"] == "3"


def test_the_file_is_as_the_package_writes_it(trainer_report, file: Path) -> None:
    import hypertune

    hypertune.HyperTune().report_hyperparameter_tuning_metric("val_loss", 0.125, global_step=4)
    theirs = json.loads(file.read_text())
    file.unlink()
    trainer_report.add_measurements({"val_loss": 0.125}, 4)
    ours = json.loads(file.read_text())
    assert {**ours, "timestamp": 0} == {**theirs, "timestamp": 0}
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("epochs", [25, 26, 80, 300])
def test_a_hundred_lines_have_the_whole_curve(trainer_report, file: Path, epochs: int) -> None:
    for epoch in range(1, epochs + 1):
        trainer_report.add_measurements({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, epoch)
    assert len(file.read_text().splitlines()) <= 100
    steps = [step for step, _ in told(file, "d")]
    assert steps[-1] == epochs
    assert max(later - step for step, later in pairwise([0, *steps])) <= max(epochs // 8, 1)


def test_the_file_is_replaced_whole(trainer_report, file: Path) -> None:
    trainer_report.add_measurements({"loss": 0.5}, 1)
    before, kept = file.read_text(), file.with_name("kept")
    kept.hardlink_to(file)
    trainer_report.add_measurements({"loss": 0.25}, 2)
    assert kept.read_text() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["kept", file.name]


def test_of_too_many_metrics_the_last_are_kept(trainer_report, file: Path) -> None:
    trainer_report.add_measurements({f"m{number}": 0.0 for number in range(150)}, 1)
    assert len(file.read_text().splitlines()) == 100
    assert told(file, "m149") == [(1, 0.0)]


def test_what_a_killed_attempt_told_of_an_epoch_is_told_anew(trainer_report, file: Path) -> None:
    for epoch in (1, 2, 3):
        trainer_report.add_measurements({"loss": float(epoch)}, epoch)
    trainer_report.add_measurements({"other": 7.0}, 3)
    with file.open("a") as lines:
        lines.write('[]\n{"global_step": "no"}\n{"global_st')
    trainer_report.add_measurements({"loss": 9.0}, 2)
    assert told(file, "loss") == [(1, 1.0), (2, 9.0)]
    assert told(file, "other") == [(3, 7.0)]


@pytest.mark.parametrize(("history", "step"), [({}, 7), ({"loss": [2.0, 1.0]}, 7), ({"loss": [1.0] * 9}, 9)])
def test_the_end_is_told_behind_all_else(trainer_report, file: Path, history: dict, step: int) -> None:
    trainer_report.add_measurements({"val_loss": 0.5}, 7)
    trainer_report.report(history, {"rmse": 0.25})
    assert told(file, "rmse") == [(step, 0.25)]
    assert told(file, "val_loss") == [(7, 0.5)]
    assert [last for last, _ in told(file, "loss")] == ([step] if history else [])


def test_the_end_does_not_tell_the_last_epoch_again(trainer_report, file: Path) -> None:
    trainer_report.add_measurements({"loss": 0.5}, 2)
    before = file.read_text()
    trainer_report.report({"loss": [0.75, 0.5]}, {"test_loss": 0.25})
    assert file.read_text().startswith(before)
    trainer_report.report({}, {"test_loss": 0.125})
    assert told(file, "test_loss") == [(2, 0.125)]
    assert told(file, "loss") == [(2, 0.5)]


def test_a_trial_has_a_file_even_if_nobody_names_it(trainer_report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUD_ML_HP_METRIC_FILE")
    assert trainer_report.metric_file() == "/tmp/hypertune/output.metrics"  # noqa: S108 - the package's own
    monkeypatch.delenv("CLOUD_ML_TRIAL_ID")
    assert trainer_report.metric_file() == ""
    trainer_report.report({"loss": [1.0]}, {})
