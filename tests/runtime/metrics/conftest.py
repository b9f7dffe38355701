"""Event files as TensorFlow, TensorBoard's own writer and a few lines of Python write them."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from support.event_files import TYPES, record
from support.made_once import made_once

_TRAINING = """
import sys
import keras
import numpy as np
import tensorflow as tf

logs, x = sys.argv[1], np.arange(64, dtype="float32")[:, None] / 64
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
callbacks = [keras.callbacks.TensorBoard(logs, update_freq=1)]
options = dict(epochs=3, batch_size=8, validation_split=0.25, callbacks=callbacks)
model.fit(x, 2 * x, verbose=int(sys.argv[2]), **options)
model.evaluate(x, 2 * x, batch_size=16)
metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})
with tf.summary.create_file_writer(logs + "/typed").as_default():
    for name in sys.argv[3].split(","):
        for step, value in enumerate((0, 1, 200)):
            tf.summary.write(name, tf.cast(value, name), step=step, metadata=metadata)
    tf.summary.scalar("scalar", 0.25, step=-1)
    tf.summary.histogram("histogram", x, step=0)
    tf.summary.text("text", "words", step=0)
    tf.summary.image("image", np.zeros((1, 4, 4, 3)), step=0)
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Path, str]]:
    """Train with `fit` and the given verbosity: the log folder, and what was printed. Once for each verbosity."""

    def train(verbose: int) -> tuple[Path, str]:
        def make(folder: Path) -> None:
            command = [sys.executable, "-c", _TRAINING, str(folder / "logs"), str(verbose), ",".join(TYPES)]
            quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            ended = subprocess.run(command, check=False, capture_output=True, text=True, env=quiet)
            assert ended.returncode == 0, ended.stderr
            (folder / "printed").write_text(ended.stdout)

        folder = made_once(tmp_path_factory, f"trained-{verbose}", make)
        return folder / "logs", (folder / "printed").read_text()

    return train


@pytest.fixture
def accumulated(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, list[tuple[int, float, float]]]]:
    """What TensorBoard reads from a run: tag → step, time, value."""
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", types.ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    def read(run: Path) -> dict[str, list[tuple[int, float, float]]]:
        accumulator = EventAccumulator(str(run), size_guidance={"tensors": 0, "scalars": 0})
        accumulator.Reload()
        found = {}
        # TensorBoard without TensorFlow cannot read this type.
        for tag in set(accumulator.Tags()["tensors"]) - {"bfloat16"}:
            if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                events = accumulator.Tensors(tag)
                found[tag] = [(e.step, e.wall_time, float(make_ndarray(e.tensor_proto).item())) for e in events]
        for tag in accumulator.Tags()["scalars"]:
            found[tag] = [(event.step, event.wall_time, event.value) for event in accumulator.Scalars(tag)]
        return found

    return read


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Append events to an event file below the log folder."""

    def append(name: str, *events: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join(map(record, events)))
        return path

    return append
