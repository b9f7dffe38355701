"""Versions of `sums` that ought not to be served: each writes an ONNX model that takes x and returns y."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import NodeProto, TensorProto, helper

_SLOW_TURNS = 150_000


def save_failing(path: Path) -> None:
    """Write one whose every call fails."""
    _save(path, [helper.make_node("Reshape", ["x", "shape"], ["y"])], shape=_whole([7, 919]))


def save_unusable(path: Path) -> None:
    """Write one that returns no number."""
    nodes = [
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("Sub", ["minus_one", "size"], ["below"]),
        helper.make_node("Log", ["below"], ["y"]),
    ]
    _save(path, nodes, minus_one=helper.make_tensor("minus_one", TensorProto.FLOAT, [1], [-1.0]))


def save_slow(path: Path) -> None:
    """Write one that returns what it gets, after some tenths of a second."""
    turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    goes_on = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("before", "after")]
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in ("given", "kept")]
    same = [helper.make_node("Identity", [old], [new]) for old, new in (("before", "after"), ("given", "kept"))]
    body = helper.make_graph(same, "turn", [turn, goes_on[0], value[0]], [goes_on[1], value[1]])
    turns = helper.make_tensor("turns", TensorProto.INT64, [], [_SLOW_TURNS])
    _save(path, [helper.make_node("Loop", ["turns", "", "x"], ["y"], body=body)], turns=turns)


def _whole(numbers: Sequence[int]) -> Any:
    return helper.make_tensor("shape", TensorProto.INT64, [len(numbers)], numbers)


def _save(path: Path, nodes: Sequence[NodeProto], **constants: Any) -> None:
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in "xy"]
    graph = helper.make_graph(nodes, "bad", tensors[:1], tensors[1:], list(constants.values()))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
