"""ONNX models, imported and converted: texts both ways, no rows, and what only the original can answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mlmagic.runtime.signature import RefusedError, read
from mlmagic.serving.engines.base import REGRESS_METHOD, InputRefusedError
from mlmagic.serving.engines.load import load_engine
from mlmagic.spec import codec
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.model import TensorSpec
from mlmagic.workspace.files import write_atomic

MakeOnnx = Callable[..., Path]


def texts(*values: str | bytes) -> np.ndarray:
    return np.array(values, dtype=object)


@pytest.fixture
def echo(make_onnx: MakeOnnx) -> Path:
    return make_onnx("Identity", [("text", TensorProto.STRING, [None])], ("same", TensorProto.STRING, [None]))


@pytest.fixture
def double(make_onnx: MakeOnnx) -> Path:
    inputs = [("x", TensorProto.FLOAT, ["rows", 2]), ("y", TensorProto.FLOAT, ["rows", 2])]
    return make_onnx("Add", inputs, ("sum", TensorProto.FLOAT, ["rows", 2]))


def test_numbers_of_an_imported_model(double: Path) -> None:
    engine = load_engine(double)
    assert (engine.kind, engine.signature.inputs[0]) == ("onnx", TensorSpec(name="x", dtype="float32", shape=(None, 2)))
    found = engine.run({"x": np.array([[1, 2]]), "y": np.array([[0.5, 0.5]])})
    assert found["sum"].tolist() == [[1.5, 2.5]]
    assert engine.run({"x": np.ones((0, 2)), "y": np.ones((0, 2))})["sum"].shape == (0, 2)
    engine.close()


def test_texts_come_as_str_or_bytes_and_go_as_bytes(echo: Path) -> None:
    engine = load_engine(echo)
    assert engine.run({"text": texts("Köln", b"K\xc3\xb6ln", "")})["same"].tolist() == ["Köln".encode()] * 2 + [b""]
    assert engine.run({"text": np.array(["a", "b"])})["same"].tolist() == [b"a", b"b"]
    assert engine.run({"text": texts()})["same"].tolist() == []


def test_bytes_that_are_no_text_are_refused_with_words(echo: Path) -> None:
    with pytest.raises(InputRefusedError, match=r"ONNX Runtime takes text in UTF-8 alone: 'utf-8' codec can't decode"):
        load_engine(echo).run({"text": texts(b"\xff")})


def test_an_input_that_is_missing_and_a_signature_that_is_not_there(double: Path) -> None:
    engine = load_engine(double)
    with pytest.raises(KeyError, match="y"):
        engine.run({"x": np.ones((1, 2))})
    with pytest.raises(KeyError, match="serve"):
        engine.run_signature("serve", {})


def test_after_its_end_it_says_so(double: Path) -> None:
    engine = load_engine(double)
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="the model was closed"):
        engine.run({"x": np.ones((1, 2)), "y": np.ones((1, 2))})


def test_an_engine_that_cannot_run_it_is_refused(double: Path, models: Path) -> None:
    with pytest.raises(RefusedError, match="it is an ONNX model, which a session of TensorFlow does not take"):
        load_engine(double, choice=EngineChoice.SESSION)
    with pytest.raises(RefusedError, match="it was not converted to ONNX: use --engine session, or auto"):
        load_engine(models / "vector", choice=EngineChoice.ONNX)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not one")
    with pytest.raises(RefusedError, match="it is not an ONNX model"):
        read(tmp_path / "model.onnx")


def test_an_operation_that_nobody_knows(make_onnx: MakeOnnx) -> None:
    file = make_onnx("Steal", [("x", TensorProto.FLOAT, [None])], ("y", TensorProto.FLOAT, [None]))
    with pytest.raises(RefusedError, match=r"ONNX Runtime does not load it: .*Steal"):
        read(file)


def test_weights_in_other_files_are_refused(make_onnx: MakeOnnx) -> None:
    elsewhere = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    elsewhere.data_location = TensorProto.EXTERNAL
    elsewhere.external_data.add(key="location", value="../../secret")
    inputs, output = [("x", TensorProto.FLOAT, [None])], ("y", TensorProto.FLOAT, [None])
    with pytest.raises(RefusedError, match="its weights lie in other files: save it as one"):
        read(make_onnx("Add", inputs, output, initializer=[elsewhere]))


def test_weights_of_an_inner_node_in_other_files_are_refused(make_onnx: MakeOnnx, tmp_path: Path) -> None:
    elsewhere = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    elsewhere.data_location = TensorProto.EXTERNAL
    elsewhere.external_data.add(key="location", value="secret")
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=elsewhere)],
        "inner",
        [],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1])],
    )
    inputs, output = [("x", TensorProto.BOOL, [])], ("y", TensorProto.FLOAT, [1])
    with pytest.raises(RefusedError, match="its weights lie in other files: save it as one"):
        read(make_onnx("If", inputs, output, then_branch=inner, else_branch=inner))


def test_sparse_weights_in_other_files_are_refused(make_onnx: MakeOnnx) -> None:
    places = helper.make_tensor("places", TensorProto.INT64, [1], [0])
    values = helper.make_tensor("values", TensorProto.FLOAT, [1], [1.0])
    values.data_location = TensorProto.EXTERNAL
    values.external_data.add(key="location", value="../../secret")
    sparse = helper.make_sparse_tensor(values, places, [1])
    output = ("y", TensorProto.FLOAT, [1])
    with pytest.raises(RefusedError, match="its weights lie in other files: save it as one"):
        read(make_onnx("Constant", [], output, sparse_value=sparse))


def test_maps_are_refused_with_what_to_do(make_onnx: MakeOnnx, tmp_path: Path) -> None:
    inputs, output = [("x", TensorProto.FLOAT, [None, 2])], ("y", TensorProto.FLOAT, [])
    file = make_onnx("ZipMap", inputs, output, domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    model = onnx.load(file)
    kind = model.graph.output[0].type.sequence_type.elem_type.map_type
    kind.key_type = TensorProto.INT64
    kind.value_type.tensor_type.elem_type = TensorProto.FLOAT
    onnx.save(model, file)
    with pytest.raises(RefusedError) as caught:
        read(file)
    assert str(caught.value) == (
        "its tensor 'y' has a type that cannot be sent as JSON, seq(map(int64,tensor(float)));"
        " convert it with options={'zipmap': False}"
    )


def test_the_original_answers_what_only_it_can(models: Path, tmp_path: Path, try_convert) -> None:
    artifact = models / "engines" / "half_plus_three"
    record: ConversionRecord = try_convert(artifact)
    write_atomic(tmp_path / "conversion.json", codec.dumps(record))
    engine = load_engine(artifact, converted=tmp_path / "model.onnx")
    assert (engine.kind, engine.signatures["regress"].method) == ("onnx", REGRESS_METHOD)
    assert engine.run_signature("serving_default", {"x": np.array([1.0, 2.0])})["y"].tolist() == [3.5, 4.0]
    assert engine.run_signature("regress", {"inputs": texts("4")})["outputs"].tolist() == [[5.0]]
    engine.close()
    with pytest.raises(RuntimeError, match="the model was closed"):
        engine.run_signature("regress", {"inputs": texts("4")})


def test_bytes_that_are_no_text_go_to_the_original(rides_model: Path, rides_statistics, tmp_path: Path) -> None:
    from mlmagic.serving.engines.converter import convert

    record = convert(rides_model, tmp_path, None, rides_statistics)
    assert record.reason is None
    write_atomic(tmp_path / "conversion.json", codec.dumps(record))
    engine = load_engine(rides_model, converted=tmp_path / "model.onnx")
    columns = {name: np.array([1, 2]) for name in ("miles", "latitude", "longitude", "passengers")}
    found = engine.run({**columns, "company": texts("company 1", "?"), "key": texts(b"\xff", "b")})
    assert found["key"].tolist() == [b"\xff", b"b"]
    assert found["prediction"].shape == (2, 3)
    assert set(found["label"].tolist()) <= {b"Cash", b"Credit Card", "ünknown".encode()}
    engine.close()
