"""Killed on one machine, at any point, a job ends as one that was not."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from mlmagic.runtime.scalars import curves


def steps(path: Path) -> dict[str, list[int]]:
    return {name: [int(point[0]) for point in curve] for name, curve in curves(path).items()}


def test_a_job_killed_twice_ends_as_one_that_was_not(training, unbroken) -> None:
    training.run(kill="step 1.2")
    training.run(kill="write 2")
    assert list(training.run().values()) == [0]
    assert training.ended() == unbroken.ended()
    assert "steps=15 length=3 rate=0.0333" in training.ended()
    # The second epoch began three times: once it was cut short, and once its checkpoint was.
    assert re.findall(r"^Epoch (\d)/3$", training.log(), re.MULTILINE) == ["1", "2", "2", "2", "3"]
    assert steps(training.logs) == steps(unbroken.logs)
    assert steps(training.logs)["val_auc"] == [0, 1, 2]
    assert training.measured("val_auc") == unbroken.measured("val_auc")
    assert list(training.measured("val_auc")) == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("kills", [["epoch 0", "write 1"], ["write 3", "step 2.4"], ["trained", "fitted"]])
def test_wherever_it_is_killed(training, unbroken, kills: list[str]) -> None:
    for point in kills:
        training.run(kill=point)
    assert list(training.run().values()) == [0]
    assert training.ended() == unbroken.ended()
    assert (training.model / "saved_model.pb").exists()


@pytest.mark.slow
def test_whenever_it_is_killed(training, another) -> None:
    seed = random.randrange(1000)  # noqa: S311
    chance = random.Random(seed)  # noqa: S311
    args = ["--epochs", "40", "--steps", "3"]
    another.run(*args)
    for _ in range(2):
        begun = training.log().count("Epoch ") if training.folder.exists() else 0
        process = training.start(*args, kill={})
        while training.log().count("Epoch ") < begun + 5:
            assert process.poll() is None, training.log()
            time.sleep(0.01)
        time.sleep(chance.random())
        training.end()
    training.run(*args)
    assert training.ended() == another.ended(), f"{seed=}"


@pytest.mark.slow
def test_more_epochs_go_on_where_fewer_ended(training, unbroken) -> None:
    training.run("--epochs", "2")
    training.run()
    assert training.ended() == unbroken.ended()
    assert re.findall(r"^Epoch (\d)/3$", training.log(), re.MULTILINE) == ["3"]
