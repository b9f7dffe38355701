"""A version answers bodies with bodies, and one request never harms another."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from support.served_models import HOUSES, NumpyEngine, houses

from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.request import Dialect
from mlmagic.serving.app.served import ServedVersion
from mlmagic.serving.engines.base import InputRefusedError
from mlmagic.serving.rows import read_rows
from mlmagic.spec.endpoint import Limits
from mlmagic.spec.model import Signature, TensorSpec

Function = Callable[[Mapping[str, Any]], dict[str, Any]]
ROW = {"age": 1.5, "rooms": 2, "city": "rome"}


def numbers(first: int | None = None, *outputs: TensorSpec) -> Signature:
    """One number in; one out, unless other outputs are given."""
    default = TensorSpec(name="y", dtype="float32", shape=(first,))
    return Signature(inputs=(TensorSpec(name="x", dtype="float32", shape=(first,)),), outputs=outputs or (default,))


def ask(engine: NumpyEngine, *bodies: Any, limits: Limits | None = None) -> list[Any]:
    """Ask all at once: what came back of each, or why it failed."""

    async def main() -> list[Any]:
        version = ServedVersion("m@1", 1, engine, limits or Limits(), executor=ThreadPoolExecutor(1))
        for _ in range(2):
            answers = await asyncio.gather(
                *[version.predict(json.dumps(body).encode(), Dialect.PREDICT) for body in bodies],
                return_exceptions=True,
            )
        await version.close()
        return [json.loads(answer) if isinstance(answer, bytes) else answer for answer in answers]

    return asyncio.run(main())


def test_rows_are_answered_with_rows_and_columns_with_columns() -> None:
    columns = {"age": [1.5, 2], "rooms": [[2], [3]], "city": ["rome", None]}
    rows, column_form, none = ask(houses(1), {"instances": [ROW, ROW]}, {"inputs": columns}, {"instances": []})
    assert rows == {"predictions": [[1003.5], [1003.5]]}
    assert column_form == {"outputs": [[1003.5], [1005.0]]}
    assert none == {"predictions": []}


def test_requests_are_answered_together_and_apart() -> None:
    calls = []

    def double(columns: Mapping[str, Any]) -> dict[str, Any]:
        calls.append(len(columns["x"]))
        return {"y": columns["x"] * 2}

    bodies = [{"instances": [i] * i} for i in range(1, 5)]
    assert ask(NumpyEngine(numbers(), double), *bodies) == [{"predictions": [2.0 * i] * i} for i in range(1, 5)]
    assert calls == [10, 10]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"age": "x"}, 'instances[0].age: expected a number, got "x"'),
        ({"age": None}, "instances[0].age: expected a number, got null"),
        ({"age": 1e39}, "instances[0].age: 1e+39 is out of the range of float32"),
        ({"rooms": 2**63}, "instances[0].rooms: 9223372036854775808 is out of the range of int64"),
        ({"ages": 1}, "instances[0].ages: the model has no such input. Did you mean age?"),
    ],
)
def test_a_bad_request_is_told_and_its_neighbours_are_answered(bad: Any, problem: str) -> None:
    first, failure, last = ask(houses(1), *[{"instances": [row]} for row in (ROW, ROW | bad, ROW)])
    assert first == last == {"predictions": [[1003.5]]}
    assert (failure.status, failure.problems) == (400, [problem])
    assert failure.message == "m@1 cannot take these instances:"
    assert failure.hint == "It takes age (float32), rooms (int64), city (string or null)."


def test_a_request_on_which_the_model_fails_is_told_and_its_neighbours_are_answered() -> None:
    def root(columns: Mapping[str, Any]) -> dict[str, Any]:
        if (columns["x"] < 0).any():
            raise ZeroDivisionError("no roots\nof such")
        return {"y": np.sqrt(columns["x"])}

    four, failure = ask(NumpyEngine(numbers(), root), {"instances": [4]}, {"instances": [-4]})
    assert four == {"predictions": [2.0]}
    assert (failure.status, failure.text) == (500, "m@1 failed: ZeroDivisionError: no roots")


def test_what_tensorflow_finds_wrong_with_values_is_told_in_a_line() -> None:
    class InvalidArgumentError(Exception):
        """By this name TensorFlow tells of values."""

    def fail(_columns: Mapping[str, Any]) -> dict[str, Any]:
        raise InvalidArgumentError("Graph execution error:\n\n at: x\nindex 7 is out of range\n\t [[{{node Gather}}]]")

    (failure,) = ask(NumpyEngine(numbers(), fail), {"instances": [4]})
    told = "m@1 cannot take these values: InvalidArgumentError: index 7 is out of range"
    assert (failure.status, failure.message) == (400, told)


def test_values_that_an_engine_refuses_are_the_fault_of_the_request() -> None:
    def refuse(_columns: Mapping[str, Any]) -> dict[str, Any]:
        raise InputRefusedError("it has an odd character")

    (failure,) = ask(NumpyEngine(numbers(), refuse), {"instances": [4]})
    assert (failure.status, failure.message) == (
        400,
        "m@1 cannot take these values: InputRefusedError: it has an odd character",
    )


@pytest.mark.parametrize(
    ("output", "told"), [(np.float32(1), "one value"), (np.ones(3), "3 values"), ([[1], [2, 3], []], "3 values")]
)
def test_outputs_that_are_not_of_instances_are_told(output: Any, told: str) -> None:
    engine = NumpyEngine(numbers(), lambda _columns: {"y": output})
    (failure,) = ask(engine, {"instances": [1, 2]})
    assert (failure.status, failure.message) == (500, f"the output 'y' of m@1 has {told} for 2 instances.")
    (columns,) = ask(engine, {"inputs": [1, 2]})
    assert columns == {"outputs": output if isinstance(output, list) else output.tolist()}


def test_requests_of_several_outputs_are_answered_together() -> None:
    y, z = (TensorSpec(name=name, dtype="float32", shape=(None,)) for name in "yz")
    engine = NumpyEngine(numbers(None, y, z), lambda columns: {"y": columns["x"], "z": columns["x"] * 2})
    one, two = ask(engine, {"instances": [1]}, {"instances": [2, 3]})
    assert one == {"predictions": [{"y": 1.0, "z": 2.0}]}
    assert two == {"predictions": [{"y": 2.0, "z": 4.0}, {"y": 3.0, "z": 6.0}]}


def test_rows_and_columns_share_a_call() -> None:
    sizes = []

    def price(columns: Mapping[str, Any]) -> dict[str, Any]:
        sizes.append(len(columns["age"]))
        return {"price": columns["age"]}

    columns = {name: [value] * 2 for name, value in ROW.items()}
    ask(NumpyEngine(HOUSES, price), {"instances": [ROW]}, {"inputs": columns}, {"instances": [ROW] * 3})
    assert sizes == [6, 6]


def test_a_large_body_is_answered_although_the_version_is_closed_meanwhile() -> None:
    async def main() -> Any:
        version = ServedVersion("m@1", 1, houses(1), Limits(), executor=ThreadPoolExecutor(1))
        large = asyncio.ensure_future(version.predict(json.dumps({"instances": [ROW] * 20_000}).encode()))
        await asyncio.sleep(0)
        await version.close()
        assert large.done()
        return json.loads(await large)

    assert asyncio.run(main()) == {"predictions": [[1003.5]] * 20_000}


def test_a_large_body_that_does_not_fit_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, outcomes = threading.Event(), []

    def read_later(*given: Any) -> Any:
        outcomes.append(answered.wait(30))
        return read_rows(*given)

    async def main() -> None:
        version = ServedVersion("m@1", 1, houses(1), Limits(), executor=ThreadPoolExecutor(1))
        large = asyncio.create_task(version.predict(json.dumps({"instances": [{**ROW, "age": "x"}] * 5000}).encode()))
        outcomes.append(await version.predict(json.dumps({"instances": [ROW]}).encode()))
        answered.set()
        with pytest.raises(RequestFailed, match="at least 990 more"):
            await large
        await version.close()

    monkeypatch.setattr("mlmagic.serving.app.request.read_rows", read_later)
    asyncio.run(main())
    assert outcomes in ([b'{"predictions":[[1003.5]]}', True], [True, b'{"predictions":[[1003.5]]}'])


def test_a_model_of_a_fixed_size_is_asked_in_pieces_of_it() -> None:
    sizes = set()

    def double(columns: Mapping[str, Any]) -> dict[str, Any]:
        sizes.add(len(columns["x"]))
        return {"y": columns["x"] * 2}

    answers = ask(NumpyEngine(numbers(4), double), {"instances": [1, 2, 3]}, {"instances": [4, 5, 6]})
    assert answers == [{"predictions": [2, 4, 6]}, {"predictions": [8, 10, 12]}]
    assert sizes == {4}


def test_a_large_request_is_asked_in_pieces() -> None:
    sizes = []

    def texts(columns: Mapping[str, Any]) -> dict[str, Any]:
        sizes.append(len(columns["x"]))
        return {"y": [[value] for value in columns["x"].tolist()]}

    (answer,) = ask(NumpyEngine(numbers(), texts), {"instances": [*range(10_000)]})
    assert answer["predictions"] == [[i] for i in range(10_000)]
    assert sizes[:3] == [4096, 4096, 1808]


def test_instances_of_different_lengths_are_not_mixed() -> None:
    spec = TensorSpec(name="words", dtype="string", shape=(None, None))
    signature = Signature(inputs=(spec,), outputs=(TensorSpec(name="n", dtype="int64", shape=(None,)),))
    engine = NumpyEngine(signature, lambda columns: {"n": np.full(len(columns["words"]), columns["words"].shape[1])})
    bodies = [{"instances": [["a"] * length]} for length in (1, 3, 1)]
    assert [answer["predictions"] for answer in ask(engine, *bodies)] == [[1], [3], [1]]


def test_a_model_without_a_place_for_instances_is_asked_one_by_one() -> None:
    total = TensorSpec(name="sum", dtype="float32", shape=())
    engine = NumpyEngine(numbers(None, total), lambda columns: {"sum": np.float32(columns["x"].sum())})
    assert ask(engine, {"inputs": [1, 2]}, {"inputs": [3]}) == [{"outputs": 3.0}, {"outputs": 3.0}]


def test_a_fixed_size_may_have_outputs_of_the_whole() -> None:
    total = TensorSpec(name="sum", dtype="float32", shape=())
    engine = NumpyEngine(numbers(2, total), lambda columns: {"sum": np.float32(columns["x"].sum())})
    assert ask(engine, {"inputs": [1, 2]}) == [{"outputs": 3.0}]


def test_too_many_instances_are_refused() -> None:
    limits = Limits(instances=2)
    for body in ({"instances": [1, 2, 3]}, {"inputs": [1, 2, 3]}):
        (failure,) = ask(NumpyEngine(numbers(), dict), body, limits=limits)
        assert (failure.status, failure.message) == (413, "the request has 3 instances; m@1 takes 2 at a time.")


def test_another_signature_is_asked_by_its_name() -> None:
    class Two(NumpyEngine):
        def run_signature(self, name: str, columns: Mapping[str, Any]) -> dict[str, Any]:
            return {name: columns["x"] + 1}

    engine = Two(numbers(), lambda columns: {"y": columns["x"]})
    engine.signatures["next"] = engine.signatures["serving_default"]
    own, other, unknown = ask(engine, *[{"signature_name": name, "instances": [1]} for name in ("", "next", "last")])
    assert (own, other) == ({"predictions": [1.0]}, {"predictions": [2.0]})
    assert unknown.text == 'm@1 has no signature "last".\nIt has next, serving_default.'


def test_it_counts_and_takes_nothing_once_it_is_closed() -> None:
    async def main() -> ServedVersion:
        version = ServedVersion("m@7", 7, houses(7), Limits(), executor=ThreadPoolExecutor(1))
        await version.predict(b'{"inputs": {"age": [1, 2], "rooms": [1, 1], "city": ["a", "b"]}}')
        with pytest.raises(RequestFailed, match="the body is not JSON"):
            await version.predict(b"{")
        await version.close()
        await version.close()
        with pytest.raises(RequestFailed, match=r"^m@7 is going away.$") as caught:
            await version.predict(b"{}")
        assert (caught.value.status, caught.value.retry_after) == (503, 1.0)
        return version

    version = asyncio.run(main())
    status = version.status
    assert (status.number, status.engine, status.requests, status.instances, status.errors) == (7, "session", 3, 2, 1)
    assert status.latency_ms.keys() == {"p50", "p99"}
    assert (version.signature, version.queue_length) == (HOUSES, 0)
