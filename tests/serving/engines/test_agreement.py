"""What counts as the same answer, and which models are converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmagic.serving.engines.agreement import DisagreementError, compare, difference
from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.base import NamedSignature
from mlmagic.serving.engines.converter import convert
from mlmagic.serving.engines.onnx_runtime import OnnxEngine
from mlmagic.serving.engines.samples import Sampler
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.spec.statistics import SplitStatistics

Convert = Callable[[Path], ConversionRecord]


def floats(*values: float) -> dict[str, Any]:
    return {"y": np.array(values, "float32")}


def test_rounding_is_no_difference() -> None:
    assert difference(floats(1.0, 2.0, np.nan, np.inf), floats(1.000002, 2.0, np.nan, np.inf)) < 1e-5
    assert difference(floats(1000.0, 1e-9), floats(1000.0, 1e-6)) < 1e-5


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (floats(1.0), floats(1.1), "its output 'y' differs by 1.0e-01 of itself"),
        (floats(1.0, 1.0), floats(1.0, np.nan), "its output 'y' is finite in one of them alone"),
        (floats(np.nan), floats(1.0), "its output 'y' is finite in one of them alone"),
        (floats(1.0), {"y": np.array([1.0])}, "its output 'y' has another shape or type"),
        (floats(1.0), floats(1.0, 1.0), "its output 'y' has another shape or type"),
        ({"y": np.array([1])}, {"y": np.array([2])}, "its output 'y' is another one"),
        (floats(1.0), {"z": np.array([1.0])}, "its outputs are z, not y"),
    ],
)
def test_what_is_no_rounding_is_a_difference(expected: Any, found: Any, words: str) -> None:
    with pytest.raises(DisagreementError) as caught:
        difference(expected, found)
    assert str(caught.value) == words


def classes(*rows: tuple[float, float], label: str) -> dict[str, Any]:
    return {"p": np.array(rows, "float32"), "label": np.array([label.encode()] * len(rows), dtype=object)}


def test_the_name_of_a_class_may_differ_where_rounding_decides_it() -> None:
    assert difference(classes((0.5, 0.5), label="a"), classes((0.5, 0.5), label="b")) == 0.0
    with pytest.raises(DisagreementError, match="its output 'label' is another one"):
        difference(classes((0.4, 0.6), label="a"), classes((0.4, 0.6), label="b"))


class Function:
    """An engine that is a function of its one input."""

    kind = "session"
    signature = Signature(inputs=(TensorSpec(name="x", dtype="float32", shape=(None,), optional=True),))
    signatures: Mapping[str, NamedSignature] = {}

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def run(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": self._function(columns["x"])}

    def run_signature(self, name: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        return self.run(columns) if name else {}

    def close(self) -> None:
        pass


def fails(x: Any) -> Any:
    raise ValueError("x is odd")


@pytest.mark.parametrize(
    ("trusted", "other", "words"),
    [
        (lambda x: x, fails, "it fails in ONNX Runtime: ValueError: x is odd"),
        (fails, lambda x: x, "it refuses rows that it does not refuse in ONNX Runtime"),
        (fails, fails, "it fails on all rows that it could be tried with"),
        (np.nanmean, np.nanmean, "its output 'y' is not an array with a row for each instance"),
        (lambda x: x, np.nan_to_num, "its output 'y' is finite in one of them alone"),
        (lambda x: x * 2, lambda x: x * 2.001, "its output 'y' differs by 5.0e-04 of itself"),
    ],
)
def test_an_engine_that_answers_otherwise(trusted: Any, other: Any, words: str) -> None:
    with pytest.raises(DisagreementError) as caught:
        compare(Function(trusted), Function(other), Sampler(Function.signature, None, []))
    assert str(caught.value) == words


def test_a_model_may_be_less_exact_at_numbers_that_it_was_not_made_for() -> None:
    steep = Function(lambda x: np.exp(-((x - 500) ** 2) / 1000) + x * 0)
    other = Function(lambda x: np.exp(-(((x - 500) / np.float32(31.622776)) ** 2)) + x * 0)
    with np.errstate(all="ignore"):
        assert compare(steep, other, Sampler(Function.signature, None, [])) <= 1e-5


def test_samples_are_such_as_the_model_was_trained_on(rides_statistics: SplitStatistics) -> None:
    dtypes = {"miles": "float32", "passengers": "int64", "payment": "string", "pickup": "string", "night": "int64"}
    inputs = [TensorSpec(name=name, dtype=dtype, shape=(None,), optional=True) for name, dtype in dtypes.items()]
    *_, batch = Sampler(Signature(inputs=tuple(inputs)), rides_statistics, []).batches()
    assert {"Cash", "Credit Card", "", "unknown"} <= set(batch["payment"].tolist())
    assert set(batch["passengers"].tolist()) == {-(2**63), 1, 2, 3, 4, 5, 6}
    assert np.isnan(batch["miles"]).any()
    assert {len(text) for text in batch["pickup"].tolist()} == {0, len("2013-07-01 10:00:00 UTC")}


def test_samples_of_all_types_and_shapes() -> None:
    dtypes = ("string", "bool", "uint8", "int8", "int32", "float16", "float64")
    inputs = [TensorSpec(name=dtype, dtype=dtype, shape=(None, None, 2)) for dtype in dtypes]
    sampler = Sampler(Signature(inputs=tuple(inputs)), None, ["Rome"])
    batches = [*sampler.batches(), sampler.odd_batch()]
    assert [batch["bool"].shape for batch in batches] == [(1, 4, 2), (3, 1, 2), (64, 9, 2), (257, 2, 2), (96, 3, 2)]
    assert {name: column.dtype.name for name, column in batches[0].items()} == {
        **{dtype: dtype for dtype in dtypes},
        "string": "object",
    }
    assert np.isfinite(batches[-1]["float64"]).all()


def test_of_large_images_there_are_fewer() -> None:
    inputs = (
        TensorSpec(name="x", dtype="float32", shape=(None, 500, 500, 3)),
        TensorSpec(name="y", dtype="bool", shape=(None,)),
    )
    *_, batch = Sampler(Signature(inputs=inputs), None, []).batches()
    assert batch["x"].shape == (5, 500, 500, 3)
    assert batch["y"].shape == (5,)


def test_a_place_below_zero_is_none_of_the_classes(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    place = tf.TensorSpec([None], tf.int64, name="place")
    module.encode = tf.function(lambda place: {"code": tf.one_hot(place, 3)}, input_signature=[place])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.encode)
    record = convert(tmp_path / "model", tmp_path, None, None)
    assert record.reason is None
    engine = OnnxEngine(tmp_path / "model.onnx", read_signature(tmp_path / "model"), outputs=record.outputs)
    assert engine.run({"place": np.array([2, -1, -(2**63)])})["code"].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_what_onnx_lacks_is_told(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    text = tf.TensorSpec([None], tf.string, name="text")
    module.hash = tf.function(lambda text: {"bucket": tf.strings.to_hash_bucket_fast(text, 7)}, input_signature=[text])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.hash)
    assert convert(tmp_path / "model", tmp_path, None, None).reason == "ONNX has no StringToHashBucketFast"


def test_a_model_of_a_managed_training_job_converts(
    rides_model: Path, rides_statistics: SplitStatistics, tmp_path: Path
) -> None:
    record = convert(rides_model, tmp_path, None, rides_statistics)
    assert record.reason is None
    assert record.outputs == {"key": "key_output", "label": "label", "prediction": "prediction"}
    assert set(record.signatures) == {"serving_default", "serve_examples"}
    assert (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("name", ["houses", "vector", "dense.keras", "odd/exported"])
def test_a_keras_model_converts(models: Path, name: str, try_convert: Convert) -> None:
    record = try_convert(models / name)
    assert record.reason is None
    assert record.max_difference is not None
    assert record.max_difference < 1e-5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fours", "its input 'x' does not take any number of instances"),
        ("summed", "its output 'total' is not an array with a row for each instance"),
        ("half", "it has tensors of bfloat16"),
        ("read", "it runs Python code or touches files while it predicts: ReadFile"),
        ("odd/prints", "it runs Python code or touches files while it predicts: PrintV2 to a file"),
        ("ragged", "it has tensors that are ragged or sparse"),
    ],
)
def test_a_model_that_does_not_convert(
    models: Path, name: str, reason: str, try_convert: Convert, tmp_path: Path
) -> None:
    assert (try_convert(models / name).reason or "").startswith(reason)
    assert not (tmp_path / "model.onnx").exists()
