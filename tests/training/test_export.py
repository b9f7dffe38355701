"""Models that were exported: they take raw columns, whatever these are called, and return what one asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.rides import COLUMNS, rides, statistics_of
from support.trainer_process import TrainerProcess, load_trainer, write_trainer

from mlmagic.runtime.signature import read
from mlmagic.source.features import features_module
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.feature_declaration import read_features
from mlmagic.spec.statistics import SplitStatistics

DECLARATION = {
    "miles": "numeric",
    "longitude": {"type": "bucketized", "buckets": "nbuckets=8"},
    "latitude": {"type": "numeric"},
    "passengers": "categorical",
    "payment": {"type": "categorical", "embedding": 2},
    "pickup": "time",
    "place": {"type": "crossed", "of": ["longitude", "payment"], "buckets": 20},
}
RAW = {"key": ["a", "b"], "miles": np.array([1, np.nan], "float32"), "longitude": np.array([-74, np.nan], "float32")}
RAW |= {"latitude": np.array([40, np.inf], "float32"), "passengers": [2, -(2**63)], "payment": ["Cash", ""]}
RAW |= {"pickup": ["2013-07-01 10:00:00 UTC", ""]}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerProcess]:
    process = TrainerProcess(tmp_path_factory.mktemp("process") / "log")
    yield process
    process.end()


def write(folder: Path, declaration: Mapping[str, Any] = DECLARATION, target: str = "fare") -> Path:
    features = read_features(declaration, COLUMNS, target=target, key="key")
    schema = DatasetSchema(columns=COLUMNS, key="key")
    return write_trainer(folder, features_module(schema, statistics_of(rides(500)), features, target).files)


@pytest.fixture(scope="module")
def several(process: TrainerProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model of two outputs: wide and deep, and from columns that the model computes with."""
    folder = write(tmp_path_factory.mktemp("several"))
    process.call(train_several, folder)
    return folder


def train_several(folder: Path) -> None:
    import keras

    trainer = load_trainer(folder)
    features = trainer.make_features(nbuckets=4)
    inputs = features.get_inputs()
    apart = inputs["latitude"] - inputs["longitude"]
    deep = keras.layers.Dense(4, "relu")(features.get_encoded_features("miles", "payment", "pickup"))
    wide = features.get_encoded_features("place", "longitude")
    joined = keras.layers.Concatenate()([wide, deep, apart, features["passengers"]])
    outputs = {"fare": keras.layers.Dense(1)(joined), "odds": keras.layers.Dense(3, "softmax")(joined)}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    codes = features.encode({name: RAW[name] for name in features.raw_inputs})
    model.fit(codes, {"fare": np.zeros((2, 1)), "odds": np.zeros((2, 3))}, verbose=0)
    trainer.export_model(model, features, str(folder / "model"))


def answers(folder: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    model = tf.saved_model.load(str(folder / "model"))
    given = {name: tf.constant(column) for name, column in raw.items()}
    return {name: value.numpy() for name, value in model.signatures["serving_default"](**given).items()}


def test_the_signature_is_that_of_the_schema(several) -> None:
    signature = read(several / "model")["signature"]
    types = {tensor["name"]: tensor["dtype"] for tensor in signature["inputs"]}
    floats = dict.fromkeys(("miles", "longitude", "latitude"), "float32")
    texts = dict.fromkeys(("key", "payment", "pickup"), "string")
    assert types == {**floats, **texts, "passengers": "int64"}
    assert {tensor["name"]: tensor["shape"] for tensor in signature["outputs"]} == {
        "fare": [None],
        "key": [None],
        "odds": [None, 3],
    }


def test_raw_values_are_answered_and_keys_come_back(process, several) -> None:
    answered = process.call(answers, several, RAW)
    assert answered["key"].tolist() == [b"a", b"b"]
    assert answered["fare"].shape == (2,)
    assert np.isfinite(answered["odds"]).all()


def answer_examples(folder: Path) -> dict[str, Any]:
    """Answer an empty example, one with some columns, and one with all, in a session as TensorFlow Serving has it."""
    import tensorflow as tf

    examples = [tf.train.Example() for _ in range(3)]
    for example, names in zip(examples, ([], ["miles", "payment"], RAW), strict=True):
        for name in names:
            value, feature = RAW[name][0], example.features.feature[name]
            if isinstance(value, str):
                feature.bytes_list.value.append(value.encode())
            else:
                (feature.float_list if isinstance(value, np.floating) else feature.int64_list).value.append(value)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder / "model"))
        signature = loaded.signature_def["serve_examples"]
        outputs = {name: info.name for name, info in signature.outputs.items()}
        serialized = [example.SerializeToString() for example in examples]
        return session.run(outputs, {signature.inputs["examples"].name: serialized})


def test_examples_may_lack_columns(process, several) -> None:
    answered = process.call(answer_examples, several)
    missing = {"key": ["", ""], "passengers": [-(2**63)] * 2, "pickup": ["", ""], "payment": ["", "Cash"]}
    missing |= {name: np.full(2, np.nan, "float32") for name in ("longitude", "latitude")}
    missing["miles"] = np.array([np.nan, RAW["miles"][0]], "float32")
    expected = [process.call(answers, several, raw)["fare"] for raw in (missing, RAW)]
    assert answered["fare"].tolist() == pytest.approx([*expected[0], expected[1][0]])
    assert answered["key"].tolist() == [b"", b"", b"a"]


def classify(folder: Path) -> tuple[dict[str, Any], list[int], tuple[str, ...]]:
    import keras
    import tensorflow as tf

    trainer = load_trainer(folder)
    features = trainer.make_features()
    last = keras.layers.Dense(3, "softmax")
    model = keras.Model(features.get_inputs(), last(features.get_encoded_features()))
    last.set_weights([np.zeros(last.kernel.shape), np.arange(3)])
    trainer.export_model(model, features, str(folder / "model"))
    target = features.encode_target(tf.constant(["ünknown", "Cash", "Bitcoin", ""]))
    return (
        answers(folder, {name: RAW[name] for name in features.columns}),
        target.numpy().ravel().tolist(),
        features.labels,
    )


def test_classes_are_told_by_their_labels(process, tmp_path) -> None:
    folder = write(tmp_path, {"miles": "numeric"}, target="payment")
    answered, target, labels = process.call(classify, folder)
    assert sorted(labels) == ["Cash", "Credit Card", "ünknown"]
    assert labels[0] == "Cash"
    assert target == [labels.index("ünknown"), 0, -1, -1]
    assert answered["label"].tolist() == [labels[2].encode()] * 2
    assert answered["prediction"].shape == (2, 3)
    assert json.loads((folder / "model/assets.extra/labels.json").read_text()) == list(labels)


ODD = ("Fare ($)", "a/b ü", "class", "self", "Trip", "trip", "_x")


def export_odd(folder: Path) -> dict[str, Any]:
    import keras

    trainer = load_trainer(folder)
    features = trainer.make_features()
    model = keras.Model(features.get_inputs(), keras.layers.Dense(1, name="fare")(features.get_encoded_features()))
    trainer.export_model(model, features, str(folder / "model"))
    return answers(folder, {name: np.ones(2, "float32") for name in ODD if name != "self"} | {"the key": ["a", "b"]})


def test_columns_may_have_any_name(process, tmp_path) -> None:
    columns = [Column(name=name, type=ColumnType.FLOAT) for name in ODD]
    schema = DatasetSchema(columns=(*columns, Column(name="the key", type=ColumnType.STRING)), key="the key")
    # TensorFlow's own Python functions take no argument `self`, though such an input does no harm elsewhere.
    features = read_features({name: "numeric" for name in ODD if name != "self"}, columns)
    statistics = SplitStatistics(rows=0)
    folder = write_trainer(tmp_path, features_module(schema, statistics, features, "self").files)
    answered = process.call(export_odd, folder)
    assert {name: value.shape for name, value in answered.items()} == {"fare": (2,), "the key": (2,)}
    names = {tensor["name"] for tensor in read(folder / "model")["signature"]["inputs"]}
    assert names == {*ODD, "the key"} - {"self"}


def complaints(folder: Path) -> list[str]:
    import keras

    trainer = load_trainer(folder)

    def complaint(make: Any) -> str:
        features = trainer.make_features()
        try:
            trainer.check_model(make(features), features)
        except ValueError as error:
            return str(error)
        return ""

    def from_encoded(features: Any) -> Any:
        return keras.Model(features.get_encoded_features(), keras.layers.Dense(1)(features.get_encoded_features()))

    def from_own(_: Any) -> Any:
        value = keras.Input((1,), name="distance")
        return keras.Model(value, keras.layers.Dense(1)(value))

    def from_some(features: Any) -> Any:
        inputs = features.get_inputs()
        model = keras.Model([inputs["miles"]], keras.layers.Dense(1)(inputs["miles"]))
        model.compile("sgd", "mse")
        return model

    makers = (from_encoded, from_own, lambda _: None, lambda _: keras.Sequential([keras.layers.Dense(1)]), from_some)
    return [complaint(make) for make in makers]


def test_models_that_do_not_begin_with_the_inputs(process, several) -> None:
    encoded, own, nothing, unbuilt, good = process.call(complaints, several)
    advice = (
        "which is none of features.get_inputs(). Begin it with keras.Model(features.get_inputs(), outputs); "
        "features.get_encoded_features() is what its first layer takes."
    )
    assert encoded.startswith("build_model returned a model that takes 'keras_tensor")
    assert encoded.endswith(advice)
    assert own == f"build_model returned a model that takes 'distance' of shape (None, 1), {advice}"
    wanted = "build_model must return a Keras model that says what it takes, such as keras.Model("
    assert nothing == f"{wanted}features.get_inputs(), outputs), not NoneType."
    assert unbuilt == f"{wanted}features.get_inputs(), outputs), not Sequential."
    assert good == ""


def complaints_of_classes(folder: Path) -> list[str]:
    import keras

    trainer = load_trainer(folder)
    features = trainer.make_features(nbuckets=4)

    def complaint(width: int, **compiled: Any) -> str:
        model = keras.Model(features.get_inputs(), keras.layers.Dense(width)(features.get_encoded_features()))
        if compiled:
            model.compile("sgd", **compiled)
        try:
            trainer.check_model(model, features)
        except ValueError as error:
            return str(error)
        return ""

    named, made = "sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return [complaint(3), complaint(1, loss=named), complaint(1, loss=made), complaint(3, loss=named)]


def test_models_that_are_not_compiled_or_have_too_few_outputs(process, tmp_path) -> None:
    declaration = {"miles": "numeric", "longitude": DECLARATION["longitude"]}
    bare, named, made, good = process.call(complaints_of_classes, write(tmp_path, declaration, "payment"))
    assert bare == (
        'build_model returned a model that is not compiled. Before it is returned: model.compile("adam", loss=...).'
    )
    assert named == made
    assert named.startswith("build_model returned a model with 1 output for the 3 classes of payment, Cash, ")
    assert named.endswith('It needs one for each: keras.layers.Dense(len(features.labels), activation="softmax").')
    assert good == ""
