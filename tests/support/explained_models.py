"""Models whose contributions are known: linear ones, with a category, or several in one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.made_once import made_once

from mlmagic.spec.model import Signature, TensorSpec

_SCRIPT = """
import sys
from pathlib import Path
import keras
import tensorflow as tf

root = Path(sys.argv[1])


def save(name, **dtypes):
    def decorate(function):
        module = tf.Module()
        specs = {key: tf.TensorSpec([None], dtype, name=key) for key, dtype in dtypes.items()}
        module.answer = tf.function(function)
        tf.saved_model.save(module, str(root / name), signatures=module.answer.get_concrete_function(**specs))
    return decorate


@save("linear", miles=tf.float32, hours=tf.float32, ride_id=tf.string)
def _(miles, hours, ride_id):
    return {"prediction": 1.0 + 2.0 * miles - 3.0 * hours, "ride_id": ride_id}

@save("mixed", miles=tf.float32, passengers=tf.int64, payment=tf.string, shared=tf.bool)
def _(miles, passengers, payment, shared):
    known = tf.where(tf.math.is_nan(miles), 10.0, miles)
    paid = tf.where(payment == "cash", 5.0, 0.0)
    return {"prediction": known + 2.0 * tf.cast(passengers, tf.float32) + paid - 4.0 * tf.cast(shared, tf.float32)}

@save("several", miles=tf.float32, hours=tf.float32)
def _(miles, hours):
    return {
        "product": miles * hours,
        "steps": tf.floor(miles) + 0.001 * hours,
        "class": tf.stack([miles, hours, 0.0 * miles], axis=1),
    }

pixels = keras.Input((3,), name="pixels")
dense = keras.layers.Dense(1, kernel_initializer="ones")(pixels)
keras.Model(pixels, dense).save(root / "vector.keras")
"""


def _float(name: str, *, optional: bool = False) -> TensorSpec:
    return TensorSpec(name=name, dtype="float32", shape=(None,), optional=optional)


_BOTH = (_float("miles"), _float("hours"))
_KEY = TensorSpec(name="ride_id", dtype="string", shape=(None,), optional=True)
SIGNATURES = {
    "linear": Signature(inputs=(*_BOTH, _KEY), outputs=(_float("prediction"), _KEY)),
    "mixed": Signature(
        inputs=(
            _float("miles", optional=True),
            TensorSpec(name="passengers", dtype="int64", shape=(None,)),
            TensorSpec(name="payment", dtype="string", shape=(None,), optional=True),
            TensorSpec(name="shared", dtype="bool", shape=(None,)),
        ),
        outputs=(_float("prediction"),),
    ),
    "several": Signature(
        inputs=_BOTH,
        outputs=(
            _float("product"),
            _float("steps"),
            TensorSpec(name="class", dtype="float32", shape=(None, 3), labels=("near", "long", "none")),
        ),
    ),
    "vector": Signature(
        inputs=(TensorSpec(name="pixels", dtype="float32", shape=(None, 3)),),
        outputs=(TensorSpec(name="dense", dtype="float32", shape=(None, 1)),),
    ),
}


def explained_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models by the names of `SIGNATURES`."""

    def make(folder: Path) -> None:
        # In a process of its own: TensorFlow's threads and memory stay out of the test run.
        command = [sys.executable, "-c", _SCRIPT, str(folder)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr[-3000:]

    return made_once(tmp_path_factory, "explained-models", make)
