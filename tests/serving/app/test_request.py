"""What the body of a request may be, and what is said of one that is something else."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.request import BodyReader, CloserLookError, Dialect, Request
from mlmagic.serving.app.served import make_method
from mlmagic.serving.engines.base import CLASSIFY_METHOD, REGRESS_METHOD, NamedSignature
from mlmagic.spec.model import Signature, TensorSpec

EXAMPLES = Signature(inputs=(TensorSpec(name="inputs", dtype="string", shape=(None,)),))


def reader(*inputs: TensorSpec, outputs: tuple[TensorSpec, ...] = (), **methods: str) -> BodyReader:
    """Reads bodies for a model with these inputs, and with further signatures that take Examples."""
    named = {"own": NamedSignature(signature=Signature(inputs=inputs, outputs=outputs))}
    named |= {name: NamedSignature(signature=EXAMPLES, method=method) for name, method in methods.items()}
    return BodyReader("m@1", {name: make_method(name, each) for name, each in named.items()}, "own", 1000)


def spec(name: str, dtype: str = "float32", *shape: int | None, optional: bool = False) -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=(None, *shape), optional=optional)


TWO = (spec("age"), spec("city", "string", 1))


def read(body: Any, dialect: Dialect = Dialect.PREDICT, using: BodyReader | None = None) -> Request:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (using or reader(*TWO)).read(text, dialect)


def refusal(body: Any, dialect: Dialect = Dialect.PREDICT, using: BodyReader | None = None) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        read(body, dialect, using).columns()
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize("dialect", [Dialect.PREDICT, Dialect.VERTEX])
@pytest.mark.parametrize("count", [1, 2])
def test_rows_become_columns(dialect: Dialect, count: int) -> None:
    request = read({"instances": [{"city": "rome", "age": 1.5}] * count}, dialect)
    age, city = request.columns()
    assert (age.tolist(), city.tolist(), request.count) == ([1.5] * count, [["rome"]] * count, count)
    assert (age.dtype, city.dtype, request.wants_columns) == (np.float32, object, False)


@pytest.mark.parametrize("parameters", [None, {}])
def test_vertex_bodies_may_have_empty_parameters(parameters: Any) -> None:
    assert read({"instances": [], "parameters": parameters}, Dialect.VERTEX).count == 0
    assert refusal({"instances": [], "parameters": {"a": 1}}, Dialect.VERTEX).message == "m@1 takes no parameters."


def test_columns_stay_columns() -> None:
    request = read({"inputs": {"city": [["rome"], ["oslo"]], "age": [1, 2]}, "signature_name": "own"})
    assert [column.tolist() for column in request.columns()] == [[1.0, 2.0], [["rome"], ["oslo"]]]
    assert request.wants_columns


@pytest.mark.parametrize("body", [{"instances": [1, 2]}, {"instances": [{"age": 1}, {"age": 2}]}, {"inputs": [1, 2]}])
def test_one_input_needs_no_name(body: Any) -> None:
    (age,) = read(body, using=reader(spec("age"))).columns()
    assert age.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("instances", [[{"b64": "YQ=="}, "b"], [{"text": "a"}, {"b64": "Yg=="}]])
def test_bytes_are_base64_also_where_the_input_is_not_named(instances: Any) -> None:
    (text,) = read({"instances": instances}, using=reader(spec("text", "string"))).columns()
    assert [value if isinstance(value, str) else value.decode() for value in text] == ["a", "b"]


def test_what_is_only_handed_on_may_be_left_out_of_columns() -> None:
    key, age = spec("key", "string", optional=True), spec("age", optional=True)
    using = reader(key, age, outputs=(key,))
    _, values = read({"inputs": {"age": [1, None]}}, using=using).columns()
    assert np.isnan(values).tolist() == [False, True]
    assert refusal({"inputs": {"key": ["a"]}}, using=using).problems == [
        "inputs.age is missing; a list of null says that its values are"
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is not JSON: Input is a zero-length, empty document: line 1 column 1 (char 0)."),
        (b'{"instances": [NaN]}', "the body is not JSON: unexpected character, expected a JSON value: line 1"),
        (b'{"instances": [1e999]}', "the body is not JSON: number is infinity when parsed as double: line 1"),
        (b'{"instances": ["\xff"]}', "the body is not JSON: str is not valid UTF-8"),
        (b'{"instances": ["\\ud800"]}', "the body is not JSON: no low surrogate in string"),
        (b"[" * 100_000, "the body is not JSON: depth limit exceeded"),
        ([1], 'the body must be an object such as {"instances": [...]}, not a list of 1.'),
        ({"instances": 5}, '"instances" must be a list, not 5.'),
        ({"signature_name": 7, "instances": []}, "m@1 has no signature 7."),
        (
            {},
            'the body must have "instances" (rows) or "inputs" (columns), and not both.\nFor example: {"instances": ',
        ),
        ({"instances": [], "inputs": {}}, 'the body must have "instances" (rows) or "inputs" (columns), and not both.'),
        (
            {"instance": [], "x": 1},
            """the body has keys that are not known:
  - instance: known are inputs, instances, signature_name. Did you mean instances?
  - x: known are inputs, instances, signature_name.""",
        ),
    ],
    ids=str,
)
def test_bodies_of_another_form_are_told(body: Any, told: str) -> None:
    assert refusal(body).text.startswith(told)


@pytest.mark.parametrize("body", [{"inputs": []}, {"instances": [], "signature_name": "own"}])
def test_vertex_bodies_are_nothing_but_instances(body: Any) -> None:
    assert refusal(body, Dialect.VERTEX).message == "the body has keys that are not known:"
    assert refusal({}, Dialect.VERTEX).message == 'the body must have "instances".'


def test_all_columns_that_do_not_fit_are_told() -> None:
    using = reader(*TWO, spec("rooms", "int64"), spec("area"), spec("floor", "int64"))
    columns = {"age": [1, "x"], "city": ["rome"], "rooms": 5, "areas": [1], "floor": [1, 2.5]}
    assert refusal({"inputs": columns}, using=using).problems == [
        "inputs.rooms: expected a list with a value for each instance, got 5",
        "inputs.areas: the model has no such input. Did you mean area or age?",
        "inputs.area is missing",
        "inputs.city: expected 2 values, as inputs.age has, got 1",
        'inputs.age[1]: expected a number, got "x"',
        "inputs.floor[1]: expected a whole number, got 2.5",
    ]
    assert refusal({"inputs": [1]}).problems == [
        "inputs: expected an object with a list for each input, got a list of 1"
    ]
    assert refusal({"inputs": [1, "x"]}, using=reader(spec("age"))).problems == [
        'inputs[1]: expected a number, got "x"'
    ]


def test_of_very_many_problems_the_first_are_told() -> None:
    unknown = {f"input{number}": [1] for number in range(2000)}
    for body in ({"inputs": unknown}, {"inputs": {"age": ["x"] * 1000, "city": ["rome"] * 1000}}):
        assert refusal(body).problems[-1] == "... and at least 990 more"
    assert len(refusal(unknown).problems) == 10
    examples, using = {"examples": [5] * 1000}, reader(*TWO, r=REGRESS_METHOD)
    assert refusal(examples, Dialect.REGRESS, using).problems[-1] == "... and at least 990 more"


def test_what_is_not_as_usual_is_looked_at_when_there_is_time() -> None:
    usual, odd = {"instances": [{"age": 1, "city": "rome"}]}, {"instances": [{"age": "x", "city": "rome"}]}
    assert reader(*TWO).read(json.dumps(usual).encode(), Dialect.PREDICT, closely=False).count == 1
    with pytest.raises(CloserLookError):
        reader(*TWO).read(json.dumps(odd).encode(), Dialect.PREDICT, closely=False)


def test_examples_go_to_the_one_signature_of_their_method() -> None:
    using = reader(*TWO, classes=CLASSIFY_METHOD, price=REGRESS_METHOD)
    request = read({"examples": [{"x": 1}, {"x": 2}], "context": {"y": 3}}, Dialect.REGRESS, using)
    assert (request.method.name, request.count, request.columns()[0].shape) == ("price", 2, (2,))
    assert read({"signature_name": "classes", "examples": []}, Dialect.CLASSIFY, using).method.name == "classes"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, 'the body must have "examples".\nFor example: {"examples": [...]}'),
        ({"examples": {}}, '"examples" must be a list, not an object.'),
        (
            {"examples": [{"x": [1, "a"]}, 5]},
            """m@1 cannot take these instances:
  - examples[0].x: expected numbers or strings, all of one kind, got 1
  - examples[1]: expected an object with the features, got 5""",
        ),
        (
            {"signature_name": "own", "examples": []},
            f"""the signature 'own' of m@1 has method tensorflow/serving/predict, not {CLASSIFY_METHOD}.
Ask :predict, or one of classes.""",
        ),
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_classified_are_told(body: Any, told: str) -> None:
    assert refusal(body, Dialect.CLASSIFY, reader(*TWO, classes=CLASSIFY_METHOD)).text == told


def test_a_model_without_such_a_signature_says_so() -> None:
    assert refusal({"examples": []}, Dialect.REGRESS).hint == "Ask :predict."
