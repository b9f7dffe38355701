"""The same package on workers, and with parameter servers: processes of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training.conftest import CHIEF, Replica

from mlmagic.runtime.scalars import curves

pytestmark = pytest.mark.slow

WORKER = Replica("worker", 0)
# Workers see the same batches together as one machine does that takes twice as many rows.
SAME_BATCHES = ["--dropout", "0", "--no-reshuffle"]

LOAD = """
import sys, tensorflow as tf
signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
print(sorted(signature.structured_input_signature[1]), list(signature(x=tf.zeros([3, 4])).values())[0].shape)
"""


def loaded(model: Path) -> str:
    """What a process that knows nothing of clusters finds in the exported model."""
    told = subprocess.run([sys.executable, "-c", LOAD, str(model)], check=True, capture_output=True, text=True)
    return told.stdout.strip()


def test_workers_train_as_one_machine_with_larger_batches(training, another) -> None:
    another.run(*SAME_BATCHES, "--batch", "16")
    assert set(training.run(*SAME_BATCHES, worker=1).values()) == {0}
    (alone,), (together,) = (re.findall(r"sum=([\d.]+)", job.ended()) for job in (another, training))
    assert float(together) == pytest.approx(float(alone), abs=1e-3)
    assert training.ended(WORKER) == training.ended().replace("is_chief()=True", "is_chief()=False")
    assert loaded(training.model) == "['x'] (3, 1)"


def test_killed_workers_end_as_if_they_were_not(training, another) -> None:
    another.run("--dropout", "0", worker=1)
    training.run("--dropout", "0", worker=1, kill={WORKER: "step 1.2"})
    training.run("--dropout", "0", worker=1, kill={CHIEF: "write 2"})
    assert set(training.run("--dropout", "0", worker=1).values()) == {0}
    assert training.ended() == another.ended()
    assert "steps=15 length=3 rate=0.0333" in training.ended()


def test_parameter_servers_count_the_same_steps_after_a_kill(training) -> None:
    best = training.folder / "best.keras"
    training.run("--best", str(best), worker=2, ps=1, kill="epoch 1")
    statuses = training.run("--best", str(best), worker=2, ps=1)
    assert set(statuses.values()) == {0}
    assert "steps=15 length=3 rate=0.0333" in training.ended()
    assert {"loss", "val_accuracy", "val_auc", "val_loss"} <= set(curves(training.logs))
    assert loaded(training.model) == "['x'] (3, 1)"
    assert best.exists()


def test_a_worker_of_parameter_servers_may_die_and_come_back(training) -> None:
    process = training.start("--steps", "300", worker=2, ps=1, kill={})
    while "Epoch 2/3" not in training.log():
        assert process.poll() is None, training.log()
        time.sleep(0.05)
    training.restart(WORKER)
    assert set(training.wait().values()) == {0}
    assert "steps=900 length=3" in training.ended()
    assert training.log(WORKER).count("Serving at") == 2


@pytest.mark.parametrize("counts", [{"worker": 1}, {"worker": 1, "ps": 1}])
def test_an_evaluator_evaluates_in_place_of_the_chief(training, counts: dict[str, int]) -> None:
    assert set(training.run(evaluator=1, **counts).values()) == {0}
    assert "val_loss" not in training.log()
    assert "Epoch 3/3\nval_accuracy: " in training.log(Replica("evaluator", 0))
    assert int(curves(training.logs)["val_loss"][-1][0]) == 2
    assert max(training.measured("val_loss")) == max(training.measured("loss")) == 3
