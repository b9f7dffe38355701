"""Metrics have Keras's names, each step once, and the last value is final."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.event_files import event

from mlmagic.runtime.scalars import ScalarReader, Series, curves, final_metrics

Write = Callable[..., Path]
FIRST, SECOND = "events.out.tfevents.1000.v2", "events.out.tfevents.2000.v2"


def test_metrics_of_a_training_have_the_names_of_its_history(trained: Callable[[int], tuple[Path, str]]) -> None:
    logs, _ = trained(1)
    metrics = final_metrics(logs)
    assert {"loss", "mae", "learning_rate", "val_loss", "val_mae"} <= set(metrics)
    assert not [name for name in metrics if "batch" in name or "_vs_" in name]
    assert metrics["learning_rate"] == pytest.approx(0.01)


@pytest.mark.slow
def test_curves_of_a_training_have_a_point_for_each_epoch(trained: Callable[[int], tuple[Path, str]]) -> None:
    logs, printed = trained(2)
    losses = [f"{value:.4f}" for _, _, value in curves(logs)["val_loss"]]
    assert len(losses) == 3
    assert [line for line in printed.splitlines() if f"val_loss: {losses[-1]}" in line]
    assert len(curves(logs)["batch_loss"]) == 18


def test_what_the_program_calls_a_metric_wins(write: Write) -> None:
    write(f"train/{FIRST}", event(0, epoch_loss=1.0))
    write(f"validation/{FIRST}", event(0, epoch_loss=2.0))
    folder = write(FIRST, event(0, loss=0.5, rmse=0.7)).parent
    assert final_metrics(folder) == pytest.approx({"loss": 0.5, "rmse": 0.7, "train/loss": 1.0, "val_loss": 2.0})


def test_runs_that_have_the_same_tag_are_told_apart(write: Write) -> None:
    write(f"fit/train/{FIRST}", event(0, loss=1.0))
    write(f"fit/test/{FIRST}", event(0, loss=2.0))
    folder = write(f"other/{FIRST}", event(0, only=3.0)).parents[1]
    assert final_metrics(folder) == {"loss": 1.0, "fit/test/loss": 2.0, "only": 3.0}


def test_of_equal_runs_the_newest_keeps_the_name(write: Write) -> None:
    write(f"a/train/{FIRST}", event(0, time=100.0, epoch_loss=1.0))
    folder = write(f"b/train/{SECOND}", event(0, time=200.0, epoch_loss=2.0)).parents[2]
    assert final_metrics(folder) == {"loss": 2.0, "a/train/loss": 1.0}


def test_tags_of_one_run_that_have_the_same_name_keep_their_own(write: Write) -> None:
    folder = write(f"train/{FIRST}", event(0, epoch_loss=1.0, loss=2.0)).parents[1]
    assert final_metrics(folder) == {"loss": 1.0, "train/loss": 2.0}


def test_a_later_file_takes_over_from_its_first_step(write: Write) -> None:
    write(f"train/{FIRST}", *(event(step, epoch_loss=step) for step in range(8)))
    folder = write(f"train/{SECOND}", event(3, epoch_loss=30.0), event(4, epoch_loss=40.0)).parents[1]
    assert [(step, value) for step, _, value in curves(folder)["loss"]] == [(0, 0), (1, 1), (2, 2), (3, 30), (4, 40)]
    assert final_metrics(folder) == {"loss": 40.0}


def test_a_reader_gives_what_is_new_in_old_and_new_files(write: Write) -> None:
    folder = write(FIRST, event(0, loss=1.0)).parent
    reader = ScalarReader(folder)
    assert reader.read() == {Series("", "loss"): [(0, 1000.0, 1.0)]}
    write(FIRST, event(1, loss=0.5))
    write(f"train/{SECOND}", event(0, epoch_mae=2.0))
    assert reader.read() == {Series("", "loss"): [(1, 1001.0, 0.5)], Series("train", "epoch_mae"): [(0, 1000.0, 2.0)]}
    assert reader.final_metrics() == {"loss": 0.5, "mae": 2.0}


def test_points_stay_when_their_file_is_removed(write: Write) -> None:
    path = write(FIRST, event(0, loss=1.0))
    reader = ScalarReader(path.parent)
    reader.read()
    path.unlink()
    assert reader.read() == {}
    assert reader.final_metrics() == {"loss": 1.0}


def test_there_is_nothing_where_nothing_was_written(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("tfevents are not here")
    os.mkfifo(tmp_path / "events.out.tfevents.fifo")
    assert curves(tmp_path) == {}
    assert final_metrics(tmp_path / "missing") == {}


def test_values_that_are_no_numbers_are_told_as_they_are(write: Write) -> None:
    folder = write(FIRST, event(0, loss=1.0), event(1, loss=float("nan"))).parent
    assert str(final_metrics(folder)) == "{'loss': nan}"
