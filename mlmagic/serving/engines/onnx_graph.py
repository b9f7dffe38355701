"""The default signature of a SavedModel as an ONNX model, by tf2onnx and what that lacks for tables of data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

OPSET = 18


class NotConvertedError(Exception):
    """There is no ONNX model that does the same."""


def to_onnx(saved_model: Path, signature: str, file: Path) -> tuple[dict[str, str], list[str]]:
    """Write the ONNX model.

    Returns:
        What it calls the outputs, by name, and the words that the model looks up.

    Raises:
        NotConvertedError: it has operations that ONNX lacks.
        Exception: tf2onnx or TensorFlow failed.
    """
    import tensorflow as tf
    from tf2onnx import optimizer, tf_loader
    from tf2onnx.tfonnx import process_tf_graph

    for name in ("tf2onnx", *[name for name in logging.root.manager.loggerDict if name.startswith("tf2onnx.")]):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _register_handlers()
    frozen, inputs, outputs, tables, names = tf_loader.from_saved_model(
        str(saved_model),
        None,
        None,
        tag=["serve"],
        signatures=[signature],
        return_initialized_tables=True,
        return_tensors_to_rename=True,
    )
    if not names.keys() >= {*inputs, *outputs}:
        raise NotConvertedError("it has tensors that are ragged or sparse")
    renamed = _output_names({names[tensor] for tensor in inputs}, [names[tensor] for tensor in outputs])
    to_rename = {tensor: names[tensor] for tensor in inputs}
    to_rename |= {tensor: renamed[names[tensor]] for tensor in outputs}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        converted = process_tf_graph(
            graph,
            opset=OPSET,
            input_names=inputs,
            output_names=outputs,
            tensors_to_rename=to_rename,
            initialized_tables=tables,
        )
    model = optimizer.optimize_graph(converted).make_model("model")
    _check_operations(model)
    file.write_bytes(model.SerializeToString())
    return renamed, _words(tables)


def _output_names(inputs: set[str], outputs: list[str]) -> dict[str, str]:
    """In ONNX no two tensors have the same name, an input that is handed on and its output neither."""
    taken, renamed = set(inputs), {}
    for name in outputs:
        chosen = name
        while chosen in taken:
            chosen += "_output"
        taken.add(chosen)
        renamed[name] = chosen
    return renamed


def _words(tables: Mapping[Any, tuple[Any, Any]]) -> list[str]:
    words = [key for keys, _ in tables.values() for key in np.ravel(keys)[:1000].tolist()]
    return [word.decode(errors="replace") for word in words if isinstance(word, bytes)]


def _check_operations(model: Any) -> None:
    """tf2onnx leaves what it does not know as it is."""
    import onnx

    def lacking(graph: Any) -> set[str]:
        found = {node.op_type for node in graph.node if not onnx.defs.has(node.op_type, node.domain)}
        inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
        return found.union(*map(lacking, inner))

    if missing := sorted(lacking(model.graph)):
        raise NotConvertedError(f"ONNX has no {', '.join(missing)}")


def _register_handlers() -> None:
    from tf2onnx.custom_opsets.onnx_ml import LookupTableFind
    from tf2onnx.handler import tf_op
    from tf2onnx.onnx_opset.logical import Equal
    from tf2onnx.onnx_opset.tensor import OneHot

    @tf_op("Bucketize")
    class _Bucketize:
        @classmethod
        def version_13(cls, ctx: Any, node: Any, **_: Any) -> None:
            _bucketize(ctx, node)

    @tf_op("LookupTableFindV2")
    class _Lookup:
        @classmethod
        def version_8(cls, ctx: Any, node: Any, initialized_tables: Any, **options: Any) -> None:
            if not _look_up_integers(ctx, node, initialized_tables):
                LookupTableFind.version_8(ctx, node, initialized_tables, **options)

    @tf_op(["Equal", "NotEqual"])
    class _Equal:
        @classmethod
        def version_11(cls, ctx: Any, node: Any, **options: Any) -> None:
            if not _compare_texts(ctx, node):
                Equal.version_11(ctx, node, **options)

    @tf_op("OneHot")
    class _OneHot:
        @classmethod
        def version_13(cls, ctx: Any, node: Any, **options: Any) -> None:
            _out_of_range_if_negative(ctx, node)
            OneHot.version_13(ctx, node, **options)


def _out_of_range_if_negative(ctx: Any, node: Any) -> None:
    """Take negative places, by which a missing category is told, out of the range: ONNX counts them from the end."""
    from onnx import TensorProto
    from tf2onnx import utils

    places, shape = node.input[0], ctx.get_shape(node.input[0])
    if ctx.get_dtype(places) != TensorProto.INT64:
        places = ctx.make_node("Cast", [places], attr={"to": TensorProto.INT64}).output[0]
    zero = ctx.make_const(utils.make_name("zero"), np.array(0, np.int64)).output[0]
    beyond = ctx.make_const(utils.make_name("beyond"), np.array(2**31 - 1, np.int64)).output[0]
    is_negative = ctx.make_node("Less", [places, zero]).output[0]
    chosen = ctx.make_node("Where", [is_negative, beyond, places], shapes=[shape], dtypes=[TensorProto.INT64])
    ctx.replace_input(node, node.input[0], chosen.output[0], 0)


def _bucketize(ctx: Any, node: Any) -> None:
    """How many boundaries are not above the value; as in TensorFlow, none is above NaN."""
    from onnx import TensorProto
    from tf2onnx import utils

    def constant(kind: str, value: Any) -> str:
        return str(ctx.make_const(utils.make_name(kind), value).output[0])

    boundaries = np.array(node.get_attr("boundaries").floats, np.float32)
    (values,), (buckets,), shape = node.input, node.output, ctx.get_shape(node.output[0])
    dtype = ctx.get_dtype(values)
    ctx.remove_node(node.name)
    if dtype == TensorProto.DOUBLE:
        boundaries = boundaries.astype(np.float64)
    elif dtype != TensorProto.FLOAT:
        values = ctx.make_node("Cast", [values], attr={"to": TensorProto.FLOAT}).output[0]
    last = np.array([-1], np.int64)
    values = ctx.make_node("Unsqueeze", [values, constant("axes", last)]).output[0]
    above = ctx.make_node("Less", [values, constant("boundaries", boundaries)]).output[0]
    reached = ctx.make_node("Not", [above]).output[0]
    ones = ctx.make_node("Cast", [reached], attr={"to": TensorProto.INT32}).output[0]
    ctx.make_node(
        "ReduceSum",
        [ones, constant("axes", last)],
        attr={"keepdims": 0},
        name=node.name,
        outputs=[buckets],
        shapes=[shape],
        dtypes=[TensorProto.INT32],
    )


def _look_up_integers(ctx: Any, node: Any, tables: Mapping[Any, tuple[Any, Any]]) -> bool:
    """Convert a look-up of whole numbers by whole numbers, which tf2onnx does not, and say whether it was one."""
    from onnx import TensorProto
    from tf2onnx import constants

    table = node.inputs[0]
    while table.type == "Identity":
        table = table.inputs[0]
    kinds = {ctx.get_dtype(node.input[1]), ctx.get_dtype(node.output[0])}
    name, default = table.get_attr_value("shared_name"), node.inputs[2]
    if kinds != {TensorProto.INT64} or name not in tables or not default.is_const():
        return False
    keys, values = tables[name]
    attributes = {"keys_int64s": keys.tolist(), "values_int64s": values.tolist()}
    attributes["default_int64"] = int(default.get_tensor_value(as_list=False))
    (output,), taken, shape = node.output, node.input[1], ctx.get_shape(node.input[1])
    ctx.remove_node(node.name)
    ctx.make_node(
        "LabelEncoder",
        [taken],
        attr=attributes,
        name=node.name,
        outputs=[output],
        shapes=[shape],
        dtypes=[TensorProto.INT64],
        domain=constants.AI_ONNX_ML_DOMAIN,
    )
    if not ctx.find_output_consumers(table.output[0]):
        ctx.remove_node(table.name)
    return True


def _compare_texts(ctx: Any, node: Any) -> bool:
    """Convert a comparison with one text, which tf2onnx takes for a number, and say whether it was one."""
    from onnx import TensorProto
    from tf2onnx import constants

    if ctx.get_dtype(node.input[0]) != TensorProto.STRING:
        return False
    texts = [place for place in (0, 1) if node.inputs[place].is_const()]
    values = [np.ravel(node.inputs[place].get_tensor_value(as_list=False)).tolist() for place in texts]
    if len(texts) != 1 or len(values[0]) != 1:
        raise NotConvertedError("ONNX has no comparison of texts")
    (text,) = values[0]
    taken, (output,), shape = node.input[1 - texts[0]], node.output, ctx.get_shape(node.output[0])
    is_equal = node.type == "Equal"
    ctx.remove_node(node.name)
    found = ctx.make_node(
        "LabelEncoder",
        [taken],
        attr={
            "keys_strings": [text],
            "values_int64s": [int(is_equal)],
            "default_int64": int(not is_equal),
        },
        domain=constants.AI_ONNX_ML_DOMAIN,
    )
    ctx.make_node(
        "Cast",
        [found.output[0]],
        attr={"to": TensorProto.BOOL},
        name=node.name,
        outputs=[output],
        shapes=[shape],
        dtypes=[TensorProto.BOOL],
    )
    return True
