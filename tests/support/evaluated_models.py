"""Models whose answers are known: what they return is a column of what they are asked, or follows from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.made_once import made_once

_SCRIPT = """
import sys
from pathlib import Path
import tensorflow as tf

root = Path(sys.argv[1])


def save(name, **dtypes):
    def decorate(function):
        module = tf.Module()
        specs = {key: tf.TensorSpec([None], dtype, name=key) for key, dtype in dtypes.items()}
        module.answer = tf.function(function)
        tf.saved_model.save(module, str(root / name), signatures=module.answer.get_concrete_function(**specs))
    return decorate


@save("half", miles=tf.float32)
def _(miles):
    return {"prediction": 2.5 + 1.2 * miles}

@save("good", miles=tf.float32, ride_id=tf.string)
def _(miles, ride_id):
    return {"prediction": 2.5 + 2.4 * miles, "ride_id": ride_id}

@save("broken", miles=tf.float32)
def _(miles):
    return {"prediction": tf.where(miles > 6.0, float("nan"), 2.5 + 2.4 * miles)}

@save("payment", miles=tf.float32)
def _(miles):
    chance = tf.sigmoid(miles - 3.0)
    return {"prediction": chance, "label": tf.where(chance > 0.5, "cash", "card")}

@save("passengers", miles=tf.float32)
def _(miles):
    return {"prediction": tf.stack([miles * 0 - 9, 4 - miles, miles - 4, miles * 0, -tf.abs(miles - 4)], axis=1)}
"""


def evaluated_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models by the names of the script."""

    def make(folder: Path) -> None:
        # In a process of its own: TensorFlow's threads and memory stay out of the test run.
        command = [sys.executable, "-c", _SCRIPT, str(folder)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr[-3000:]

    return made_once(tmp_path_factory, "evaluated-models", make)
