"""The signature reader as it is used: a process of its own, on models that TensorFlow wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.tensorflow_models import saved_models

from mlmagic.runtime import signature
from mlmagic.runtime.inspection import Inspection, inspect_model
from mlmagic.spec.codec import decode
from mlmagic.spec.model import Signature, TensorSpec

WITHOUT = (
    "it has no signature, so nothing can call it: save it with `model.export(path)`,"
    " or give `signatures=` to tf.saved_model.save"
)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_models(tmp_path_factory) / "odd"


def inspect(path: Path, **fields: object) -> Inspection:
    def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    return inspect_model(path, **{"python": None, "environment": os.environ, "wait": wait, **fields})  # type: ignore[arg-type]


def test_an_exported_keras_model(models: Path) -> None:
    found = inspect(models / "exported")
    assert found.refused is None
    assert found.signature is not None
    assert found.signature.name == "serving_default"
    assert found.signature.inputs == (
        TensorSpec(name="city", dtype="float32", shape=(None, 2)),
        TensorSpec(name="fare", dtype="float32", shape=(None, 1)),
    )
    assert [spec.shape for spec in found.signature.outputs] == [(None, 1)]


def test_it_is_read_without_importing_tensorflow(models: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import signature; from pathlib import Path\n"
        "answer = signature.read(Path(sys.argv[2])); assert 'tensorflow' not in sys.modules, 'imported'\n"
        "print(answer['frameworkVersion'])\n"
    )
    folder = Path(signature.__file__).parent
    command = [sys.executable, "-c", code, str(folder), str(models / "exported")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.startswith("2.")


@pytest.mark.slow
def test_a_keras_file(models: Path) -> None:
    answer = signature.read(models / "model.keras")
    found = decode(Signature, answer["signature"])
    assert {spec.name for spec in found.inputs} == {"fare", "city"}
    assert found.outputs == (TensorSpec(name="tip", dtype="float32", shape=(None, 1)),)
    assert answer["frameworkVersion"].startswith("3.")


def test_the_only_signature_need_not_be_the_default(models: Path) -> None:
    found = decode(Signature, signature.read(models / "named")["signature"])
    assert found.name == "shout"
    assert found.inputs == (TensorSpec(name="text", dtype="string", shape=(None,)),)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reads", "it runs Python code or touches files while it predicts: ReadFile"),
        ("python", "it runs Python code or touches files while it predicts: EagerPyFunc"),
        ("prints", "it runs Python code or touches files while it predicts: PrintV2 to a file"),
        ("maps", "it runs Python code or touches files while it predicts: ImmutableConst"),
        ("saves", "it runs Python code or touches files while it predicts: SaveV2"),
        ("resets", "it runs Python code or touches files while it predicts: MergeV2Checkpoints"),
        ("without", WITHOUT),
        ("many", "it has several signatures but no 'serving_default': one, two"),
        ("unbuilt.keras", "it was saved before it was built, so it has no inputs"),
        ("lambda.keras", "Keras does not load it in safe mode:"),
        ("missing", "its saved_model.pb cannot be read:"),
    ],
)
def test_what_must_not_be_served(models: Path, name: str, reason: str) -> None:
    with pytest.raises(signature.RefusedError) as caught:
        signature.read(models / name)
    assert str(caught.value).startswith(reason)


def test_a_refusal_is_an_answer(models: Path) -> None:
    found = inspect(models / "without")
    assert (found.signature, found.refused) == (None, WITHOUT)


def test_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff not a protocol buffer")
    assert (inspect(tmp_path).refused or "").startswith("its saved_model.pb cannot be read:")


def test_a_reader_that_takes_too_long(models: Path) -> None:
    assert inspect(models / "model.keras", timeout=0.0).refused == "reading its signature took longer than 0 s"


def test_an_interpreter_without_tensorflow(models: Path) -> None:
    script = Path(signature.__file__)
    command = [sys.executable, "-I", "-S", str(script), str(models / "model.keras")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"missing": "keras"}


def test_a_reader_that_crashes(models: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no luck >&2\nexit 3\n")
    python.chmod(0o700)
    assert inspect(models / "named", python=str(python)).refused == "reading its signature failed: no luck"
    python.write_text("#!/bin/sh\necho nonsense\n")
    assert (inspect(models / "named", python=str(python)).refused or "").startswith(
        "reading its signature gave no answer"
    )


def test_the_answer_is_all_of_stdout(models: Path) -> None:
    script = [sys.executable, signature.__file__, str(models / "many")]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["refused"].startswith("it has several signatures")


def graph_of(*nodes: tuple[str, dict[str, bytes]]) -> Any:
    """A SavedModel whose one function has these operations."""
    message = signature.saved_model_class()()
    function = message.meta_graphs.add().graph_def.library.function.add()
    for operation, attributes in nodes:
        node = function.node_def.add(op=operation)
        for name, value in attributes.items():
            node.attr[name].s = value
    return message


def test_the_debugger_and_other_machines_are_refused() -> None:
    names = ("MatMul", "DebugIdentityV2", "DataServiceDatasetV4", "RpcServerStart")
    found = signature.refused_operations(graph_of(*((name, {}) for name in names)))
    assert found == ["DataServiceDatasetV4", "DebugIdentityV2", "RpcServerStart"]


def test_an_attribute_may_name_a_file() -> None:
    harmless = graph_of(("DecodeProtoV2", {"descriptor_source": b"local://"}), ("FixedUnigramCandidateSampler", {}))
    assert signature.refused_operations(harmless) == []
    harmful = ("DecodeProtoV2", {"descriptor_source": b"/etc/passwd"}), ("PrintV2", {"output_stream": b"file:///tmp/a"})
    assert signature.refused_operations(graph_of(*harmful)) == ["DecodeProtoV2 of a file", "PrintV2 to a file"]
