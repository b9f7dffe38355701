"""Endpoints in processes of their own, with models that start in a second: version N of `sums` returns x + N."""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from mlmagic.runtime.ports import Ports
from mlmagic.serving.supervisor.launch import ensure_supervisor, read_endpoint, stop_supervisor, wake_supervisor
from mlmagic.serving.supervisor.record import read_supervisor
from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, EndpointState, EndpointStatus, Limits, Scaling
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.runtime_folder import RuntimeFolder

MODEL, NAME = "sums", "adder"
PATIENCE_SECONDS = 60.0
SIGNATURE = Signature(
    inputs=(TensorSpec(name="x", dtype="float32", shape=(None,)),),
    outputs=(TensorSpec(name="y", dtype="float32", shape=(None,)),),
)


def register(
    workspace: Workspace,
    number: float,
    *,
    is_broken: bool = False,
    hangs: bool = False,
    saved: Path | None = None,
    save_as: Callable[[Path], None] | None = None,
) -> ModelVersion:
    """Register a version that adds a number; `saved` is a folder with SavedModels that do, by the number.

    One that `hangs` never comes back from a number below zero; `save_as` writes any other.
    """
    folder = workspace.root.parent / f"made-{time.monotonic_ns()}"
    folder.mkdir()
    if saved is not None:
        shutil.copytree(saved / str(number), folder / "model")
    elif is_broken:
        (folder / "model.onnx").write_bytes(b"no model")
    elif save_as is not None:
        save_as(folder / "model.onnx")
    elif hangs:
        save_hanging(folder / "model.onnx")
    else:
        save(folder / "model.onnx", number)
    origin = (
        ModelOrigin(artifact="onnx", artifact_path="model.onnx", framework="onnx")
        if saved is None
        else ModelOrigin(artifact="savedmodel", artifact_path="model", framework="tensorflow")
    )
    store = ModelStore(Database(workspace))
    return store.register(MODEL, folder, origin=origin, signature=SIGNATURE, now=datetime.now(UTC))


def save(path: Path, number: float) -> None:
    """Write a model that adds a number."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in "xy"]
    added = helper.make_tensor("number", TensorProto.FLOAT, [1], [number])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "number"], ["y"])], "sum", tensors[:1], tensors[1:], [added]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


def save_hanging(path: Path) -> None:
    """Write a model that returns what it gets, unless that is below zero: then it counts for ever."""
    turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    goes_on = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("before", "after")]
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in ("given", "kept")]
    same = [helper.make_node("Identity", [old], [new]) for old, new in (("before", "after"), ("given", "kept"))]
    body = helper.make_graph(same, "turn", [turn, goes_on[0], value[0]], [goes_on[1], value[1]])
    nodes = [
        helper.make_node("ReduceMin", ["x"], ["least"], keepdims=0),
        helper.make_node("Less", ["least", "zero"], ["is_less"]),
        helper.make_node("Loop", ["", "is_less", "x"], ["y"], body=body),
    ]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in "xy"]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    graph = helper.make_graph(nodes, "hanging", tensors[:1], tensors[1:], [zero])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def until(condition: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what the condition says as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return found


class KeptEndpoint:
    """An endpoint of a workspace, as its user sees it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.folder = workspace.endpoint(NAME)
        self.store = EndpointStore(Database(workspace))

    @property
    def status(self) -> EndpointStatus:
        return read_endpoint(self.workspace, NAME).status

    @property
    def spec(self) -> EndpointSpec:
        return self.store.get(NAME)

    def until(self, *states: EndpointState, workers: int | None = None) -> EndpointStatus:
        """Wait for a state, and for so many workers that are ready."""

        def found() -> EndpointStatus | None:
            status = self.status
            ready = sum(worker.state == "ready" for worker in status.workers)
            return status if status.state in states and workers in {None, ready} else None

        return until(found)

    def change(self, **fields: Any) -> EndpointStatus:
        """Change the spec, and wait until that is served or refused."""
        return self.until_settled(self.begin(**fields))

    def begin(self, **fields: Any) -> int:
        """Change the spec, and return its generation."""
        spec = self.store.change(NAME, lambda spec: dataclasses.replace(spec, **fields))
        wake_supervisor(self.workspace, NAME)
        return spec.generation

    def until_settled(self, generation: int) -> EndpointStatus:
        return until(lambda: (s := self.status) and max(s.generation, s.refused_generation) >= generation and s)

    def deploy(self, *numbers: int, **fields: Any) -> EndpointStatus:
        """Deploy versions; the first gets all the traffic."""
        deployed = tuple(DeployedVersion(number=n, traffic=100 if n == numbers[0] else 0) for n in numbers)
        return self.change(deployed=deployed, **fields)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.spec.port, timeout=PATIENCE_SECONDS)

    def ask(
        self,
        value: float = 1.0,
        connection: http.client.HTTPConnection | None = None,
        path: str = f"/v1/models/{MODEL}",
    ) -> tuple[float, str]:
        """Return the prediction for a number, and the version that the reply names."""
        status, headers, body = self.post(f"{path}:predict", {"instances": [value]}, connection)
        assert status == 200, body
        return body["predictions"][0], headers["x-mlmagic-version"]

    def post(
        self, path: str, body: Any, connection: http.client.HTTPConnection | None = None
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        asked = connection or self.connect()
        token = read_token(self.workspace, NAME)
        asked.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {token}"})
        reply = asked.getresponse()
        told = json.loads(reply.read())
        if connection is None:
            asked.close()
        return reply.status, reply.headers, told

    @property
    def supervisor(self) -> int:
        record = read_supervisor(self.folder)
        assert record is not None
        return record.pid

    def kill_supervisor(self) -> int:
        pid = self.supervisor
        self.kill(pid)
        return pid

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)


@contextmanager
def kept_endpoint(
    root: Path,
    *,
    versions: int = 1,
    scaling: Scaling | None = None,
    limits: Limits | None = None,
    follows: str | None = None,
    is_started: bool = True,
    saved: Path | None = None,
) -> Iterator[KeptEndpoint]:
    """Run an endpoint that serves version 1."""
    workspace = open_workspace(Workspace(root / ".mlmagic"))
    for number in range(1, versions + 1):
        register(workspace, number, saved=saved)
    now = datetime.now(UTC)
    ports = Ports(RuntimeFolder.make(workspace, os.environ).ports)
    spec = EndpointSpec(
        name=NAME,
        model=MODEL,
        deployed=(DeployedVersion(number=1),),
        follows=follows,
        scaling=scaling or Scaling(),
        limits=limits or Limits(),
        port=ports.hold(1, seed=str(root))[0],
        create_time=now,
        update_time=now,
    )
    endpoint = KeptEndpoint(workspace)
    endpoint.store.create(spec)
    try:
        if is_started:
            ensure_supervisor(workspace, NAME)
        yield endpoint
    finally:
        stop_supervisor(workspace, NAME, seconds=10)
        ports.close()
