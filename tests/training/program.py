# ruff: noqa: ARG002, I001, PLR0917 - a cell
import hashlib
import os
import signal

import keras
import numpy as np
import tensorflow as tf

from trainer.loop import fit, is_chief


def strike(point):
    """End the process as the system does when memory runs out, if KILL names this point."""
    if os.environ.get("KILL") == point:
        os.kill(os.getpid(), signal.SIGKILL)


class Strike(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        strike(f"step {self.epoch}.{batch}")

    def on_epoch_end(self, epoch, logs=None):
        strike(f"epoch {epoch}")

    def on_train_end(self, logs=None):
        strike("trained")


class Manager(tf.train.CheckpointManager):
    def _record_state(self):
        strike(f"write {int(self.checkpoint.save_counter)}")  # the files are there, and nothing names them
        super()._record_state()


tf.train.CheckpointManager = Manager


def make_model(dropout):
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((4,), name="x"),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid", name="y"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    return model


def data(batch, reshuffle):
    x = np.random.RandomState(0).rand(96, 4).astype("float32")
    y = (x.sum(1) > 2).astype("float32")[:, None]
    rows = tf.data.Dataset.from_tensor_slices((x, y))
    return rows.shuffle(96, seed=3, reshuffle_each_iteration=reshuffle).batch(batch), rows.batch(32)


def train(epochs=3, steps=5, batch=8, dropout=0.3, reshuffle=True, best=""):
    rows, validation = data(batch, reshuffle)
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
        keras.callbacks.EarlyStopping("val_auc", patience=100),
        *([keras.callbacks.ModelCheckpoint(best)] if best else []),
        Strike(),
    ]
    model = fit(
        lambda: make_model(dropout),
        rows,
        epochs=epochs,
        steps_per_epoch=steps,
        validation=validation,
        callbacks=callbacks,
    )
    strike("fitted")
    weights = np.concatenate([array.ravel() for array in model.get_weights()])
    state = hashlib.sha256(weights.tobytes()).hexdigest()[:12]
    rate = float(model.optimizer.learning_rate.numpy())
    length = len(next(iter(model.history.history.values())))
    steps = int(model.optimizer.iterations.numpy())
    print(f"END {steps=} {length=} {rate=:.4f} sum={np.abs(weights).sum():.5f} {state=} {is_chief()=}", flush=True)
    print("evaluated", model.evaluate(validation, verbose=0, return_dict=True))
    return model, model.history
