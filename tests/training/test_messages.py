"""What `fit` says of what it cannot train."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKS = """
import keras
import tensorflow as tf
from trainer.loop import fit

numbers = tf.data.Dataset.from_tensor_slices(([[1.0]] * 4, [[1.0]] * 4)).batch(2)


def make_model(*, compiles=True, begins=True):
    model = keras.Sequential([*([keras.Input((1,))] if begins else []), keras.layers.Dense(1)])
    if compiles:
        model.compile("sgd", "mse")
    return model


def tell(*args, **options):
    try:
        fit(*args, **({"epochs": 2} | options))
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)


tell(make_model(), numbers)
tell(make_model, ([[1.0]], [[1.0]]))
tell(make_model, numbers.filter(lambda x, y: True))
tell(make_model, numbers.take(0))
tell(lambda: make_model(compiles=False), numbers)
tell(lambda: make_model(begins=False), numbers)
tell(make_model, lambda first_epoch, context: numbers, steps_per_epoch=2)
model = fit(make_model, lambda first_epoch, context: numbers.repeat(), epochs=2, steps_per_epoch=3, validation=numbers)
print(int(model.optimizer.iterations.numpy()), sorted(model.history.history), len(model.history.history["loss"]))
"""

ARRAYS = (
    "TypeError dataset is a tf.data.Dataset or a function, not a tuple: arrays become one by "
    "tf.data.Dataset.from_tensor_slices((x, y)).batch(32)."
)
UNREADY = (
    "ValueError make_model returned a model that cannot be trained yet: compile it, and begin it with keras.Input, so "
    "that it has its weights before it sees data."
)


def test_what_fit_cannot_train_is_told(package: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(package), "TF_CPP_MIN_LOG_LEVEL": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", CHECKS]
    told = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    lines = [line for line in told.stdout.splitlines() if not line.startswith(("Epoch", "3/3"))]
    assert lines == [
        "TypeError make_model is a function that returns a model, not the model itself.",
        ARRAYS,
        "ValueError The dataset does not know how many batches it has: set steps_per_epoch.",
        "ValueError The dataset has no batches.",
        UNREADY,
        UNREADY,
        "ValueError The dataset has 2 batches from epoch 0 on, and 4 are needed: let it end with .repeat().",
        "6 ['loss', 'val_loss'] 2",
    ]
