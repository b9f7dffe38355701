"""The examples of TensorFlow Serving's documentation, as they stand there, against its model half_plus_three."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.made_once import made_once
from support.served_models import Endpoint, served

from mlmagic.serving.engines.load import load_engine

# Equal to the one that the documentation's examples ask: signatures, their methods, and names of features.
_SCRIPT = """
import sys
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

class HalfPlusThree(tf.Module):
    def __init__(self):
        self.a, self.b = tf.Variable(0.5), tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def predict(self, x):
        return {"y": self.a * x + self.b}

    def parsed(self, inputs):
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": self.a * self.parsed(inputs) + self.b}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        return {"scores": self.a * self.parsed(inputs) + self.b}

model = HalfPlusThree()
signatures = {"serving_default": model.predict, "classify_x_to_y": model.classify}
tf.saved_model.save(model, sys.argv[1], signatures=signatures | {"tensorflow/serving/regress": model.regress})
path = sys.argv[1] + "/saved_model.pb"
saved = saved_model_pb2.SavedModel.FromString(open(path, "rb").read())
definitions = saved.meta_graphs[0].signature_def
definitions["tensorflow/serving/regress"].method_name = "tensorflow/serving/regress"
definitions["classify_x_to_y"].method_name = "tensorflow/serving/classify"
open(path, "wb").write(saved.SerializeToString())
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-c", _SCRIPT, str(folder / "123")], check=True, capture_output=True)

    engine = load_engine(made_once(tmp_path_factory, "half-plus-three", make) / "123")
    with served({123: engine}, {123: 100}, model="half_plus_three", port=documented_port(), stable=123) as endpoint:
        yield endpoint
    engine.close()


def documented_port() -> int:
    """That of the documentation, unless somebody else has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return 8501 if probe.connect_ex(("127.0.0.1", 8501)) else 0


def run(endpoint: Endpoint, command: str) -> str:
    """What a command of the documentation prints."""
    if shutil.which("curl") is None:
        pytest.skip("the examples need curl")
    command = command.replace("localhost:8501", f"localhost:{endpoint.port}")
    return subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout


STATUS = {"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("curl http://localhost:8501/v1/models/half_plus_three", {"model_version_status": [STATUS]}),
        (
            """curl -d '{"instances": [1.0,2.0,5.0]}' -X POST http://localhost:8501/v1/models/half_plus_three:predict""",
            {"predictions": [3.5, 4.0, 5.5]},
        ),
        (
            """curl -d '{"signature_name": "tensorflow/serving/regress", "examples": [{"x": 1.0}, {"x": 2.0}]}' \
  -X POST http://localhost:8501/v1/models/half_plus_three:regress""",
            {"results": [3.5, 4.0]},
        ),
        (
            """curl -d '{"signature_name": "classify_x_to_y", "context": {"x": 1.0}, "examples": [{}, {"x": 2.0}]}' \
  -X POST http://localhost:8501/v1/models/half_plus_three/versions/123:classify""",
            {"results": [[["", 3.5]], [["", 4.0]]]},
        ),
        (
            """curl -X POST http://localhost:8501/v1/models/half_plus_three/labels/stable:predict \
  -H 'Content-Type: application/json' -d '{"signature_name": "serving_default", "inputs": {"x": [1, 2]}}'""",
            {"outputs": [3.5, 4.0]},
        ),
    ],
)
def test_curl_gets_what_the_documentation_says(endpoint: Endpoint, command: str, answer: object) -> None:
    assert json.loads(run(endpoint, command)) == answer


def test_curl_is_told_of_a_model_that_is_not_there(endpoint: Endpoint) -> None:
    printed = run(
        endpoint, """curl -i -d '{"instances": [1.0,5.0]}' -X POST http://localhost:8501/v1/models/half:predict"""
    )
    head, _, body = printed.replace("\r", "").partition("\n\n")
    assert head.startswith("HTTP/1.1 404 Not Found\n")
    assert json.loads(body)["error"].startswith('there is no model "half" here: this endpoint serves half_plus_three')


def test_the_metadata_name_each_signature_with_its_method(endpoint: Endpoint) -> None:
    printed = run(endpoint, "curl http://localhost:8501/v1/models/half_plus_three/metadata")
    signatures = json.loads(printed)["metadata"]["signature_def"]["signature_def"]
    assert {name: signature["method_name"] for name, signature in signatures.items()} == {
        "classify_x_to_y": "tensorflow/serving/classify",
        "serving_default": "tensorflow/serving/predict",
        "tensorflow/serving/regress": "tensorflow/serving/regress",
    }
    assert signatures["serving_default"]["inputs"]["x"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]


def test_the_tutorials_python_client_is_answered(endpoint: Endpoint) -> None:
    import requests

    data = json.dumps({"signature_name": "serving_default", "instances": [1.0, 2.0, 5.0]})
    headers = {"content-type": "application/json"}
    url = f"http://localhost:{endpoint.port}/v1/models/half_plus_three"
    for address in (f"{url}:predict", f"{url}/versions/123:predict"):
        json_response = requests.post(address, data=data, headers=headers, timeout=30)
        assert json.loads(json_response.text)["predictions"] == [3.5, 4.0, 5.5]


def test_a_signature_of_another_method_is_refused(endpoint: Endpoint) -> None:
    body = {"signature_name": "serving_default", "examples": [{"x": 1.0}]}
    reply = endpoint.client.post("/v1/models/half_plus_three:regress", json=body)
    assert reply.status_code == 400
    assert "serving_default" in reply.json()["error"]
