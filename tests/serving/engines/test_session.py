"""SavedModels in a session: every kind of tensor in and out, several signatures, threads, and the end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.engines.base import REGRESS_METHOD
from mlmagic.serving.engines.load import load_engine
from mlmagic.serving.engines.session import SessionEngine, make_call
from mlmagic.spec.model import Signature, TensorSpec

HOUSES = {
    "age": np.array([[1.0], [2.0]], "float32"),
    "rooms": np.array([[3], [4]]),
    "city": np.array([["rome"], ["Köln"]], dtype=object),
}


def texts(*values: str | bytes) -> np.ndarray:
    return np.array(values, dtype=object)


@pytest.fixture(scope="module")
def houses(models: Path) -> Iterator[SessionEngine]:
    engine = SessionEngine(models / "houses")
    yield engine
    engine.close()


def test_numbers_and_texts_of_a_keras_model(houses: SessionEngine) -> None:
    assert houses.run(HOUSES)["output_0"].tolist() == [[5.0], [7.0]]
    assert houses.run({**HOUSES, "city": texts(b"rome", b"\xff")[:, None]})["output_0"].shape == (2, 1)
    assert houses.run({name: column[:0] for name, column in HOUSES.items()})["output_0"].shape == (0, 1)


def test_columns_are_cast_to_what_the_inputs_take(houses: SessionEngine) -> None:
    columns = {"age": [[1.0]], "rooms": np.array([[3.0]]), "city": np.array([["rome"]])}
    assert houses.run(columns)["output_0"].tolist() == [[5.0]]  # type: ignore[arg-type]


def test_an_input_that_is_missing(houses: SessionEngine) -> None:
    with pytest.raises(KeyError, match="rooms"):
        houses.run({"age": HOUSES["age"], "city": HOUSES["city"]})


def test_many_threads_get_their_own_answers(houses: SessionEngine) -> None:
    def ask(age: int) -> float:
        return float(houses.run({**HOUSES, "age": np.full((2, 1), age, "float32")})["output_0"][0, 0])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(500))) == [age + 4.0 for age in range(500)]


def test_outputs_of_all_kinds(models: Path) -> None:
    engine = load_engine(models / "answer")
    found = engine.run(
        {"x": np.array([1.0, 2.0], "float32"), "s": texts("a", b"\xc3\xbc"), "b": np.array([True, False])}
    )
    assert found["words"].tolist() == [b"A", "Ü".encode()]
    assert found["raw"].tolist() == [b"\xff", b"\xff"]
    assert (found["image"].shape, found["is_b"].tolist()) == ((2, 2, 2), [False, True])
    engine.close()


def test_ragged_and_sparse_tensors_both_ways(models: Path) -> None:
    engine = load_engine(models / "engines" / "kinds")
    found = engine.run({"rows": np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]), "text": texts("a b", "ü")})
    assert found["doubled"] == [[[2, 4], [6, 8]], [[10, 12], [14, 16]]]
    assert found["words"].tolist() == [[b"a", b"b"], ["ü".encode(), b""]]
    assert found["halves"] == [[0.5], [0.5]]
    assert (found["text"].tolist(), found["again"].tolist()) == ([b"a b", "ü".encode()], found["words"].tolist())
    engine.close()


def test_all_signatures_can_be_called(models: Path) -> None:
    engine = load_engine(models / "engines" / "half_plus_three")
    assert {name: named.method for name, named in engine.signatures.items()}["regress"] == REGRESS_METHOD
    assert engine.run({"x": np.array([1.0, 2.0], "float32")})["y"].tolist() == [3.5, 4.0]
    assert engine.run_signature("regress", {"inputs": texts("4")})["outputs"].tolist() == [[5.0]]
    with pytest.raises(KeyError):
        engine.run_signature("nonsense", {})
    engine.close()


def test_the_signature_of_the_version_knows_what_is_optional(models: Path) -> None:
    inputs = (TensorSpec(name="x", dtype="bfloat16", shape=(None,), optional=True),)
    known = Signature(inputs=inputs, outputs=(TensorSpec(name="output_0", dtype="bfloat16", shape=(None,)),))
    engine = load_engine(models / "half", signature=known)
    assert engine.signature is known
    assert engine.signatures[known.name].signature is known
    assert engine.run({"x": np.array([3.0])})["output_0"].tolist() == [1.5]
    engine.close()


def test_after_its_end_it_says_so(models: Path) -> None:
    engine = load_engine(models / "vector")
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="the model was closed"):
        engine.run({"pixels": np.ones((1, 3), "float32")})
    with pytest.raises(RuntimeError, match="the model was closed"):
        engine.run_signature("serve", {})


def test_a_model_that_touches_files_is_refused_before_it_is_loaded(models: Path) -> None:
    with pytest.raises(RefusedError, match="it runs Python code or touches files while it predicts: ReadFile"):
        load_engine(models / "read")


def test_the_public_way_answers_the_same(houses: SessionEngine) -> None:
    session = SimpleNamespace(make_callable=houses._session.make_callable)
    definition = houses._definitions["serving_default"]
    feeds = [info.name for info in definition.inputs.values()]
    call = make_call(session, feeds, [definition.outputs["output_0"].name])
    (found,) = call(*[HOUSES[name] for name in definition.inputs])
    assert found.tolist() == [[5.0], [7.0]]


def test_memory_is_given_back(models: Path) -> None:
    def load() -> None:
        engine = load_engine(models / "engines" / "large")
        engine.run({"x": np.ones(1, "float32")})
        engine.close()

    for _ in range(3):
        load()
    gc.freeze()  # as a worker does: a collection has only what is new to look at
    before = psutil.Process().memory_info().rss
    for _ in range(30):
        load()
    gc.unfreeze()
    # The model has 16 MB of variables.
    assert psutil.Process().memory_info().rss - before < 100 << 20
