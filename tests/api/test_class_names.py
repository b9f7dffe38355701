"""What the probabilities of classes are called: after the classes, wherever they come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from support.deployed import deploying_session

from mlmagic.api.deployment import deploy
from mlmagic.api.model_difference import diff_models
from mlmagic.api.prediction import predict
from mlmagic.serving.batch.naming import output_names
from mlmagic.session import Session
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec

ODDS = TensorSpec(name="prediction", dtype="float32", shape=(None, 2))
COUNT = TensorSpec(name="x", dtype="float32", shape=(None, 1))
ROWS = pd.DataFrame({"x": [0.25, 1.0]})


def save(path: Path, *, is_turned: bool) -> None:
    """Write a model of what speaks for `late` and for `on time`: x and 1 - x; turned, 1 - x and x."""
    path.mkdir()
    tensors = [
        helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, ["rows", spec.shape[1]]) for spec in (COUNT, ODDS)
    ]
    one = helper.make_tensor("one", TensorProto.FLOAT, [1, 1], [1.0])
    order = ["rest", "x"] if is_turned else ["x", "rest"]
    nodes = [
        helper.make_node("Sub", ["one", "x"], ["rest"]),
        helper.make_node("Concat", order, ["prediction"], axis=1),
    ]
    graph = helper.make_graph(nodes, "odds", tensors[:1], tensors[1:], [one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path / "model.onnx")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with three versions, of which the second has its classes in another order, and the third has none."""
    root = tmp_path_factory.mktemp("classes")
    known = (("late", "on time"), ("on time", "late"), ())
    with deploying_session(root, versions=0) as session:
        for number, labels in enumerate(known):
            save(root / f"made-{number}", is_turned=number == 1)
            signature = Signature(inputs=(COUNT,), outputs=(dataclasses.replace(ODDS, labels=labels),))
            origin = ModelOrigin(artifact="onnx", artifact_path="model.onnx", framework="onnx")
            now = datetime.now(UTC)
            session.models.register("odds", root / f"made-{number}", origin=origin, signature=signature, now=now)
        yield session


def test_straight_from_a_version(session: Session) -> None:
    known = predict("odds@1", ROWS, session=session)
    assert known.to_dict("list") == {"x": [0.25, 1.0], "prediction_late": [0.25, 1.0], "prediction_on time": [0.75, 0]}
    unknown = predict("odds@3", ROWS, join=False, session=session)
    assert list(unknown.columns) == ["prediction_0", "prediction_1"]


def test_through_an_endpoint_unless_it_may_answer_by_a_version_without_classes(session: Session) -> None:
    deploy("odds@1", session=session)
    names = ["prediction_late", "prediction_on time"]
    assert list(predict("odds", ROWS, join=False, session=session).columns) == names
    deploy("odds@3", traffic=50, session=session)
    assert list(predict("odds", ROWS, join=False, session=session).columns) == ["prediction_0", "prediction_1"]
    assert list(predict("odds@1", ROWS, join=False, session=session).columns) == names


def test_in_files(session: Session) -> None:
    version = session.models.versions("odds")[0]
    assert version.signature is not None
    assert output_names(version, version.signature) == {"prediction": ("prediction_late", "prediction_on time")}


def test_two_versions_are_compared_class_by_class(session: Session) -> None:
    found = diff_models("odds@1", "odds@2", data=ROWS, session=session).predictions
    assert found is not None
    assert [(output.name, output.changed, output.largest) for output in found.outputs] == [("prediction", 0.0, 0.0)]
