"""Reads what a model takes and returns, as a program of its own: `python signature.py SAVEDMODEL_DIR|FILE`.

The file is a `.keras` or an `.onnx` one. It runs under the job's interpreter, which need not have mlmagic: standard
library, TensorFlow, Keras, or ONNX with its runtime, nothing else.
The answer is one JSON object on stdout, with either `signature`, `frameworkVersion` and `artifact`, or with `refused`
(why nobody may serve it) or `missing` (the library that this interpreter lacks).
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

DEFAULT_SIGNATURE = "serving_default"
_INTERNAL_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})

# Operations with which a model, while it answers, runs Python or reads and writes files of its server. Not among them:
# what saving puts into every SavedModel, and tables that read the model's own assets.
PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
_FILE_OPS = """
    ReadFile WriteFile MatchingFiles WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 TFRecordReader
    TFRecordReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2 LMDBReader TextLineDataset TFRecordDataset
    TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2 SqlDataset LMDBDataset
    MatchingFilesDataset SnapshotDataset SnapshotDatasetV2 SaveDataset SaveDatasetV2 LoadDataset DatasetToTFRecord
    ExperimentalMatchingFilesDataset ExperimentalCSVDataset ExperimentalSqlDataset ExperimentalLMDBDataset
    ExperimentalDatasetToTFRecord CreateSummaryFileWriter CreateSummaryDbWriter GenerateVocabRemapping
    LoadAndRemapMatrix ImmutableConst CacheDataset CacheDatasetV2 RecordInput Skipgram SnapshotDatasetReader
    SnapshotChunkDataset SnapshotNestedDatasetReader ListSnapshotChunksDataset DistributedSave RegisterDataset
    RegisterDatasetV2 DumpTensor
"""
FILE_OPS = frozenset(_FILE_OPS.split())
# What TensorFlow's debugger and quantizer write to files, and what talks with other machines.
_PREFIXES = (
    "CalibrationStatistics", "DataServiceDataset", "DebugIdentity", "DebugNanCount", "DebugNumericSummary", "Rpc",
)  # fmt: skip
# Those that do so if an attribute names one.
_NAMING = {"DecodeProtoV2": "of", "EncodeProto": "of", "FixedUnigramCandidateSampler": "of", "PrintV2": "to"}
# Every SavedModel has these, for its loader and for saving it again: what answers, or is run to load it, may not reach
# them. Loading reads.
_CHECKPOINT_WRITES = frozenset({"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"})
_CHECKPOINT_READS = frozenset({"DTensorRestoreV2", "Restore", "RestoreSlice", "RestoreV2"})
_MAIN_OPS = ("saved_model_main_op", "legacy_init_op")


class RefusedError(Exception):
    """A model that must not be served, or cannot be."""


def read(path: Path) -> dict[str, Any]:
    """Return the answer for a SavedModel folder, or a `.keras` or `.onnx` file.

    Raises:
        RefusedError: it has Python or file operations, no signature, or cannot be read.
        ModuleNotFoundError: the library that reads it is not installed here.
    """
    readers = {".keras": _read_keras, ".onnx": _read_onnx}
    return readers.get(path.suffix, _read_saved_model)(path)


def refused_operations(saved_model: Any) -> list[str]:
    """Return the operations of a `SavedModel` message, functions included, that its server would not want to run."""
    found = set()
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        found |= {node.op for node in nodes if node.op in PYTHON_OPS or node.op in FILE_OPS}
        found |= {f"{node.op} {_NAMING[node.op]} a file" for node in nodes if node.op in _NAMING and _names_file(node)}
        found |= {node.op for node in nodes if node.op.startswith(_PREFIXES)}
        found |= _checkpoint_operations(meta_graph)
    return sorted(found)


def load_saved_model(path: Path) -> Any:
    """Return the `SavedModel` message of a folder.

    Raises:
        RefusedError: it cannot be read.
        ModuleNotFoundError: TensorFlow is not installed here.
    """
    message = saved_model_class()()
    if not any((path / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt")):
        raise RefusedError(f"its saved_model.pb cannot be read: there is none in {path}")
    try:
        if (path / "saved_model.pb").exists():
            message.ParseFromString((path / "saved_model.pb").read_bytes())
        else:
            from google.protobuf import text_format

            text_format.Parse((path / "saved_model.pbtxt").read_text(encoding="utf-8"), message)
    except Exception as error:
        raise RefusedError(f"its saved_model.pb cannot be read: {error}") from error
    return message


def _names_file(node: Any) -> bool:
    """Say whether an attribute makes the operation one on files."""
    match node.op:
        case "PrintV2":
            return bool(node.attr["output_stream"].s.startswith(b"file:"))
        case "FixedUnigramCandidateSampler":
            return bool(node.attr["vocab_file"].s)
        case "DecodeProtoV2" | "EncodeProto":
            source = node.attr["descriptor_source"].s
            return bool(source) and not source.startswith((b"local://", b"bytes://"))
    return False


def _checkpoint_operations(meta_graph: Any) -> set[str]:
    """Return the operations on checkpoints of any path that run when a signature is called, or the model is loaded."""
    called = {name: value for name, value in meta_graph.signature_def.items() if name not in _INTERNAL_SIGNATURES}
    answering = [name for value in called.values() for info in value.outputs.values() for name in _tensor_names(info)]
    loading = [
        meta_graph.saver_def.restore_op_name,
        *(name for key in _MAIN_OPS for name in meta_graph.collection_def[key].node_list.value),
        *(
            name
            for key in _INTERNAL_SIGNATURES & meta_graph.signature_def.keys()
            for info in meta_graph.signature_def[key].outputs.values()
            for name in _tensor_names(info)
        ),
    ]
    # Those of its objects: TensorFlow 2 runs their initialisers, without the graph.
    functions = list(meta_graph.object_graph_def.concrete_functions)
    graph = meta_graph.graph_def
    found = _reached(graph, answering, []) & _CHECKPOINT_READS
    return found | (_reached(graph, [*answering, *loading], functions) & _CHECKPOINT_WRITES)


def _tensor_names(info: Any) -> list[str]:
    sparse = info.coo_sparse
    return [
        info.name,
        *(sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name),
        *(name for part in info.composite_tensor.components for name in _tensor_names(part)),
    ]


def _reached(graph: Any, tensors: list[str], functions: list[str]) -> set[str]:
    """Return the operations that are run for these tensors, and by these functions."""
    nodes = {node.name: node for node in graph.node}
    bodies = {function.signature.name: function.node_def for function in graph.library.function}
    gradients = {gradient.function_name: gradient.gradient_func for gradient in graph.library.gradient}
    # Of a body every node counts, which none needs: it may be run for what it does.
    waiting = [(node, False) for name in functions for node in bodies.pop(name, ())]
    names = list(tensors)
    found = set()
    while waiting or names:
        while names:
            if (node := nodes.pop(names.pop().lstrip("^").partition(":")[0], None)) is not None:
                waiting.append((node, True))
        if not waiting:
            break
        node, is_in_graph = waiting.pop()
        found.add(node.op)
        names += node.input if is_in_graph else ()
        for name in (node.op, *(name for value in node.attr.values() for name in _function_names(value))):
            for function in (name, gradients.get(name, "")):
                waiting += [(each, False) for each in bodies.pop(function, ())]
    return found


def _function_names(value: Any) -> list[str]:
    """Return the functions that an attribute names."""
    functions = [value.func, *value.list.func]
    inner = [name for function in functions for each in function.attr.values() for name in _function_names(each)]
    return [*(function.name for function in functions if function.name), *inner]


def saved_model_class() -> Any:
    """Return the class of `SavedModel` messages."""
    # TensorFlow takes seconds to import; the generated message classes need nothing of it but its folder.
    spec = importlib.util.find_spec("tensorflow")
    if "tensorflow" not in sys.modules and spec is not None and spec.submodule_search_locations:
        shell = types.ModuleType("tensorflow")
        shell.__path__ = list(spec.submodule_search_locations)
        sys.modules["tensorflow"] = shell
        try:
            from tensorflow.core.protobuf import saved_model_pb2
        except Exception:  # noqa: BLE001, S110 - whatever it is, the proper import below decides
            pass
        else:
            return saved_model_pb2.SavedModel
        finally:
            for name in [name for name in sys.modules if name.split(".")[0] == "tensorflow"]:
                del sys.modules[name]
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel


def _read_saved_model(path: Path) -> dict[str, Any]:
    message = load_saved_model(path)
    if operations := refused_operations(message):
        raise RefusedError(f"it runs Python code or touches files while it predicts: {', '.join(operations)}")
    serving = next((graph for graph in message.meta_graphs if "serve" in graph.meta_info_def.tags), None)
    if serving is None:
        raise RefusedError("it has no graph with the tag `serve`")
    name = _choose_signature([key for key in serving.signature_def if key not in _INTERNAL_SIGNATURES])
    return {
        "signature": describe_signature(name, serving.signature_def[name]),
        "artifact": "savedmodel",
        "frameworkVersion": serving.meta_info_def.tensorflow_version or None,
    }


def describe_signature(name: str, definition: Any) -> dict[str, Any]:
    """Return a `SignatureDef` as `Signature` is written in JSON.

    Raises:
        RefusedError: a tensor of it cannot be sent.
    """
    return {"name": name, "inputs": _tensors(definition.inputs), "outputs": _tensors(definition.outputs)}


def _choose_signature(names: list[str]) -> str:
    if DEFAULT_SIGNATURE in names or not names:
        if not names:
            raise RefusedError(
                "it has no signature, so nothing can call it: save it with `model.export(path)`,"
                " or give `signatures=` to tf.saved_model.save"
            )
        return DEFAULT_SIGNATURE
    if len(names) > 1:
        raise RefusedError(f"it has several signatures but no {DEFAULT_SIGNATURE!r}: {', '.join(sorted(names))}")
    return names[0]


def _tensors(infos: Any) -> list[dict[str, Any]]:
    described = ((name, *_type_of(info)) for name, info in sorted(infos.items()))
    return [{"name": name, "dtype": _dtype_name(dtype), "shape": _shape(shape)} for name, dtype, shape in described]


def _type_of(info: Any) -> tuple[int, Any]:
    """Return type and shape of a tensor; a ragged one has them in its type's description."""
    if info.WhichOneof("encoding") != "composite_tensor":
        return info.dtype, info.tensor_shape
    state = {value.WhichOneof("kind"): value for value in reversed(_state(info.composite_tensor.type_spec))}
    if not {"tensor_dtype_value", "tensor_shape_value"} <= state.keys():
        raise RefusedError("its signature has a value that is neither a tensor nor a ragged one")
    return state["tensor_dtype_value"].tensor_dtype_value, state["tensor_shape_value"].tensor_shape_value


def _state(type_spec: Any) -> list[Any]:
    return list(type_spec.type_state.tuple_value.values)


def _shape(shape: Any) -> list[int | None]:
    return [] if shape.unknown_rank else [None if dim.size < 0 else int(dim.size) for dim in shape.dim]


def _dtype_name(number: int) -> str:
    names = {1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64"}
    names |= {9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32"}
    names |= {23: "uint64"}
    if number not in names:
        raise RefusedError(f"a tensor of its signature has a type that cannot be sent as JSON (DataType {number})")
    return names[number]


def _read_keras(path: Path) -> dict[str, Any]:
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        text = " ".join(str(error).split())
        raise RefusedError(f"Keras does not load it in safe mode: {text:.300}") from error
    if not getattr(model, "inputs", None):
        raise RefusedError("it was saved before it was built, so it has no inputs: call it once, or add keras.Input")
    names = list(getattr(model, "output_names", None) or [])
    outputs = [
        {"name": names[i] if i < len(names) else f"output_{i}", "dtype": str(tensor.dtype), "shape": list(tensor.shape)}
        for i, tensor in enumerate(model.outputs)
    ]
    inputs = [{"name": tensor.name, "dtype": str(tensor.dtype), "shape": list(tensor.shape)} for tensor in model.inputs]
    return {
        "signature": {"name": DEFAULT_SIGNATURE, "inputs": inputs, "outputs": outputs},
        "artifact": "keras",
        "frameworkVersion": str(keras.__version__),
    }


def _read_onnx(path: Path) -> dict[str, Any]:
    import onnx
    import onnxruntime

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise RefusedError(f"it is not an ONNX model: {error}") from error
    if _has_other_files(model):
        raise RefusedError(
            "its weights lie in other files: save it as one,"
            " with onnx.save_model(model, path, save_as_external_data=False)"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is in the exception
    try:
        # From memory: what is loaded is what was looked at.
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        text = " ".join(str(error).split())
        raise RefusedError(f"ONNX Runtime does not load it: {text:.300}") from error
    if not session.get_inputs():
        raise RefusedError("it has no inputs")
    return {
        "signature": {
            "name": DEFAULT_SIGNATURE,
            "inputs": [_onnx_tensor(tensor) for tensor in session.get_inputs()],
            "outputs": [_onnx_tensor(tensor) for tensor in session.get_outputs()],
        },
        "artifact": "onnx",
        "frameworkVersion": str(onnxruntime.__version__),
    }


def _has_other_files(model: Any) -> bool:
    """Say whether any tensor's data lies elsewhere, those inside of nodes and functions included."""
    import onnx

    def attributes(nodes: Any) -> Any:
        for node in nodes:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                yield from parts((attribute.sparse_tensor, *attribute.sparse_tensors))
                for graph in (attribute.g, *attribute.graphs):
                    yield from (*graph.initializer, *parts(graph.sparse_initializer))
                    yield from attributes(graph.node)

    def parts(sparse: Any) -> Any:
        return (part for tensor in sparse for part in (tensor.values, tensor.indices))

    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    tensors = [*model.graph.initializer, *parts(model.graph.sparse_initializer), *attributes(nodes)]
    return any(tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data for tensor in tensors)


def _onnx_tensor(tensor: Any) -> dict[str, Any]:
    names = {"float": "float32", "double": "float64"} | {name: name for name in ("string", "bool", "float16")}
    names |= {f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    kind = tensor.type.removeprefix("tensor(").removesuffix(")")
    if not tensor.type.startswith("tensor(") or kind not in names:
        hint = "; convert it with options={'zipmap': False}" if "map(" in tensor.type else ""
        raise RefusedError(f"its tensor {tensor.name!r} has a type that cannot be sent as JSON, {tensor.type}{hint}")
    shape = [size if isinstance(size, int) and size >= 0 else None for size in tensor.shape]
    return {"name": tensor.name, "dtype": names[kind], "shape": shape}


def main(argv: list[str]) -> int:
    """Print the answer. Whatever libraries print goes to stderr."""
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    try:
        answer = read(Path(argv[1]))
    except RefusedError as error:
        answer = {"refused": str(error)}
    except ModuleNotFoundError as error:
        answer = {"missing": error.name}
    with os.fdopen(answer_fd, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
