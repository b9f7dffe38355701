"""Small real models that TensorFlow and Keras saved, made once for all tests and all the processes that run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.made_once import made_once

_SCRIPT = """
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

@save("webp", ("x", tf.string, [None]))  # with an operation that no prebuilt image of Vertex AI has
def _(x):
    return {"y": tf.map_fn(lambda one: tf.raw_ops.DecodeWebP(contents=one), x, fn_output_signature=tf.uint8)}

# What must not be served, and what is odd about those that may be.
odd = root / "odd"
odd.mkdir()
inputs = {"fare": keras.Input((1,), name="fare"), "city": keras.Input((2,), name="city")}
outputs = keras.layers.Dense(1, name="tip")(keras.layers.concatenate(list(inputs.values())))
model = keras.Model(inputs, outputs)
model.export(f"{odd}/exported", verbose=False)
model.save(f"{odd}/model.keras")
keras.Sequential([keras.layers.Dense(1)]).save(f"{odd}/unbuilt.keras")
keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x)]).save(f"{odd}/lambda.keras")


def save_as(name, function, spec, **names):
    module = tf.Module()
    module.f = tf.function(function, input_signature=[spec])
    signatures = {key: module.f.get_concrete_function() for key in names}
    tf.saved_model.save(module, f"{odd}/{name}", signatures=signatures or None)


text = tf.TensorSpec([None], tf.string, name="text")
save_as("named", lambda text: {"upper": tf.strings.upper(text)}, text, shout=1)
save_as("many", lambda text: {"upper": tf.strings.upper(text)}, text, one=1, two=1)
tf.saved_model.save(tf.Module(), f"{odd}/without")
save_as("reads", lambda text: {"content": tf.map_fn(tf.io.read_file, text)}, text, serving_default=1)
save_as("python", lambda text: {"t": tf.py_function(lambda t: t, [text], tf.string)}, text, serving_default=1)


def prints(text):
    tf.print(text, output_stream="file:///tmp/stolen")
    return {"text": text}


save_as("prints", prints, text, serving_default=1)


def maps(text):
    content = tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=[4], memory_region_name="/etc/passwd")
    return {"text": text, "content": content}


def saves(text):
    def save():
        tf.raw_ops.SaveV2(prefix="/tmp/stolen", tensor_names=["a"], shape_and_slices=[""], tensors=[text])
        return text

    return {"text": tf.cond(tf.size(text) > 3, save, lambda: text)}


class Resets(tf.Module):
    @tf.function(input_signature=[])
    def reset(self):
        tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=["/tmp/a"], destination_prefix="/tmp/b")

    @tf.function(input_signature=[text])
    def answer(self, text):
        return {"text": text}


save_as("maps", maps, text, serving_default=1)
save_as("saves", saves, text, serving_default=1)
resets = Resets()
tf.saved_model.save(resets, f"{odd}/resets", signatures=resets.answer)

# For the engines.
engines = root / "engines"
engines.mkdir()


class HalfPlusThree(tf.Module):
    def __init__(self):
        super().__init__()
        self.half, self.three = tf.Variable(0.5), tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def predict(self, x):
        return {"y": self.half * x + self.three}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": self.half * tf.strings.to_number(inputs)[:, None] + self.three}


def set_method(path, signature, method):
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].signature_def[signature].method_name = method
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())


half = HalfPlusThree()
tf.saved_model.save(
    half, str(engines / "half_plus_three"), signatures={"serving_default": half.predict, "regress": half.regress}
)
set_method(engines / "half_plus_three", "regress", "tensorflow/serving/regress")

large = tf.Module()
large.table = tf.Variable(tf.random.normal([1024, 4096]))
large.answer = tf.function(
    lambda x: {"y": x * tf.reduce_sum(large.table[:1])}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
)
tf.saved_model.save(large, str(engines / "large"), signatures=large.answer)

# In the way of TensorFlow 1, which has all kinds of tensors in its signatures.
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    info = tf.compat.v1.saved_model.build_tensor_info
    rows = tf.compat.v1.ragged.placeholder(tf.int64, 1, [2])
    text = tf.compat.v1.placeholder(tf.string, [None])
    words = tf.strings.split(text)
    outputs = {
        "doubled": rows * 2,
        "words": words.to_sparse(),
        "halves": tf.RaggedTensor.from_tensor(tf.cast(tf.ones_like(text, tf.float32)[:, None] / 2, tf.bfloat16)),
        "text": text,
    }
    named = {name: info(value) for name, value in outputs.items()}
    signature = tf.compat.v1.saved_model.build_signature_def(
        {"rows": info(rows), "text": info(text)}, {**named, "again": named["words"]}, "tensorflow/serving/predict"
    )
    builder = tf.compat.v1.saved_model.Builder(str(engines / "kinds"))
    builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
    builder.save()
"""


def saved_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models by the names of the script; those of `odd` below a folder of that name."""

    def make(folder: Path) -> None:
        # In a process of its own: TensorFlow's threads and memory stay out of the test run.
        command = [sys.executable, "-c", _SCRIPT, str(folder)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr[-3000:]

    return made_once(tmp_path_factory, "saved-models", make)
