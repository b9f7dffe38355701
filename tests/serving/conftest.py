"""Small real models, saved once for all tests."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# In a process of its own: TensorFlow's threads and memory stay out of the test run.
_MODELS = """
    import sys, os
    from pathlib import Path
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    root = Path(sys.argv[1])

    age = keras.Input((1,), name="age", dtype="float32")
    rooms = keras.Input((1,), name="rooms", dtype="int64")
    city = keras.Input((1,), name="city", dtype="string")
    code = keras.layers.StringLookup(vocabulary=["paris", "rome"], output_mode="one_hot")(city)
    joined = keras.layers.Concatenate()([age, keras.ops.cast(rooms, "float32"), code])
    dense = keras.layers.Dense(1, kernel_initializer="ones")(joined)
    keras.Model([age, rooms, city], dense).export(root / "houses", verbose=False)

    pixels = keras.Input((3,), name="pixels")
    vector = keras.Model(pixels, keras.layers.Lambda(lambda x: x * 2.0, name="double")(pixels))
    vector.export(root / "vector", verbose=False)
    dense = keras.Model(pixels, keras.layers.Dense(2, kernel_initializer="ones")(pixels))
    dense.save(root / "dense.keras")

    def save(name, *inputs):
        def decorate(function):
            specs = [tf.TensorSpec(shape, dtype, name=name) for name, dtype, shape in inputs]
            module = tf.Module()
            module.answer = tf.function(function, input_signature=specs)
            tf.saved_model.save(module, str(root / name), signatures=module.answer)
        return decorate

    @save("answer", ("x", tf.float32, [None]), ("s", tf.string, [None]), ("b", tf.bool, [None]))
    def _(x, s, b):
        tf.debugging.assert_less(x, 1e6, message="x must be small")
        tf.print("answering", tf.shape(x)[0], output_stream=sys.stdout)
        return {
            "words": tf.strings.upper(s, encoding="utf-8"),
            "whole": tf.cast(x, tf.int64) + 2**40,
            "is_b": tf.logical_not(b),
            "image": tf.tile(tf.reshape(x, [-1, 1, 1]), [1, 2, 2]),
            "pair": tf.stack([x, -x], axis=1),
            "raw": tf.fill(tf.shape(s), b"\\xff"),
        }

    @save("ragged", ("s", tf.string, [None]))
    def _(s):
        return {"words": tf.strings.split(s)}

    @save("fours", ("x", tf.float32, [4]))
    def _(x):
        return {"total": x + tf.cast(tf.shape(x)[0], tf.float32)}

    @save("summed", ("x", tf.float32, [None]))
    def _(x):
        return {"total": tf.reduce_sum(x)}

    @save("forever", ("x", tf.float32, [None]))
    def _(x):
        return {"y": tf.while_loop(lambda v: v[0] > -1.0, lambda v: (tf.abs(v),), [x])[0]}

    @save("read", ("path", tf.string, [None]))
    def _(path):
        return {"content": tf.map_fn(tf.io.read_file, path)}

    @save("half", ("x", tf.bfloat16, [None]))
    def _(x):
        return {"output_0": x / 2}
"""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a SavedModel each, by the names that are saved above, and `dense.keras`."""
    folder = tmp_path_factory.mktemp("models")
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_MODELS), str(folder)], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return folder
