from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.rides import COLUMNS, rides, statistics_of
from support.trainer_process import load_trainer, write_trainer

from mlmagic.serving.engines.converter import convert
from mlmagic.source.features import features_module
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.dataset import DatasetSchema
from mlmagic.spec.feature_declaration import read_features
from mlmagic.spec.statistics import SplitStatistics

RIDES = {
    "miles": "numeric",
    "latitude": {"type": "bucketized", "buckets": 8},
    "longitude": {"type": "bucketized", "buckets": 8},
    "passengers": "categorical",
    "company": {"type": "categorical", "embedding": 2},
    "place": {"type": "crossed", "of": ["longitude", "latitude"], "buckets": 200},
}


@pytest.fixture(scope="session")
def rides_statistics() -> SplitStatistics:
    return statistics_of(rides(500))


@pytest.fixture(scope="session")
def rides_model(rides_statistics: SplitStatistics, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a managed training job exports, with features of all kinds that have an equal in ONNX."""
    import keras

    folder = tmp_path_factory.mktemp("rides")
    declared = read_features(RIDES, COLUMNS, target="payment", key="key")
    schema = DatasetSchema(columns=COLUMNS, key="key")
    trainer = load_trainer(write_trainer(folder, features_module(schema, rides_statistics, declared, "payment").files))
    features = trainer.make_features()
    keras.utils.set_random_seed(1)
    hidden = keras.layers.Dense(8, "relu")(features.get_encoded_features())
    model = keras.Model(features.get_inputs(), keras.layers.Dense(len(features.labels), "softmax")(hidden))
    model.compile("sgd", "sparse_categorical_crossentropy")
    trainer.export_model(model, features, str(folder / "model"))
    return folder / "model"


@pytest.fixture
def try_convert(tmp_path: Path) -> Callable[[Path], ConversionRecord]:
    """Converts into the folder of the test."""
    return lambda artifact: convert(artifact, tmp_path, None, None)


@pytest.fixture
def make_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Writes an ONNX model of one node."""
    import onnx
    from onnx import helper

    def make(op: str, inputs: Sequence[tuple[str, int, Any]], output: tuple[str, int, Any], **options: Any) -> Path:
        domain, initializer = options.pop("domain", ""), options.pop("initializer", [])
        names = [name for name, _, _ in inputs] + [tensor.name for tensor in initializer]
        node = helper.make_node(op, names, [output[0]], domain=domain, **options)
        tensors = [helper.make_tensor_value_info(*given) for given in inputs]
        graph = helper.make_graph([node], "g", tensors, [helper.make_tensor_value_info(*output)], initializer)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "model.onnx")
        return tmp_path / "model.onnx"

    return make
