# ruff: noqa: ARG002 - a cell
import importlib
import os
import signal

import keras
import tensorflow as tf

loops, inputs = importlib.import_module("trainer.epochs"), importlib.import_module("trainer.input")
if os.environ.get("READ_AGAIN"):
    inputs.MEMORY, inputs.WINDOW = 0, 20_000


def strike(point):
    """End the process as the system does when memory runs out, if KILL names this point."""
    if os.environ.get("KILL") == point:
        os.kill(os.getpid(), signal.SIGKILL)


class Strike(loops.AfterEpoch):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        strike(f"step {self.epoch}.{batch}")


class Manager(tf.train.CheckpointManager):
    def _record_state(self):
        strike(f"write {int(self.checkpoint.save_counter)}")  # the files are there, and nothing names them
        super()._record_state()


loops.AfterEpoch = importlib.import_module("trainer.loop").AfterEpoch = Strike
tf.train.CheckpointManager = Manager


def build_model(features, units: int = 16, rate=0.02, dropout=0.1):
    x = features.get_encoded_features()
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    model = keras.Model(features.get_inputs(), keras.layers.Dense(1, name="fare")(x))
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    return model
