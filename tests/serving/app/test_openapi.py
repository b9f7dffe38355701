"""The OpenAPI document: what a signature says about instances, and that it is a document."""

from __future__ import annotations

import dataclasses
from typing import Any

import jsonschema
import pytest
import schemathesis
from support.served_models import HOUSES, served

from mlmagic.serving.app.schemas import columns_schema, example_instance, instances_schema, predictions_schema
from mlmagic.spec.model import Signature, TensorSpec

PIXELS = Signature(inputs=(TensorSpec(name="pixels", dtype="uint8", shape=(None, 2, None)),))
GOOD: dict[str, Any] = {"age": 1.5, "rooms": 2, "city": "rome"}


def fits(value: Any, schema: Any) -> bool:
    return not list(jsonschema.Draft202012Validator(schema).iter_errors(value))


@pytest.mark.parametrize(
    "change",
    [{}, {"city": None}, {"city": {"b64": "AAAA"}}, {"age": -3e38}, {"rooms": -(2**63)}],
)
def test_instances_that_fit(change: dict[str, Any]) -> None:
    assert fits([GOOD | change], instances_schema(HOUSES, 10))


@pytest.mark.parametrize(
    "change",
    [{"age": "x"}, {"age": None}, {"age": 4e38}, {"rooms": 2**63}, {"rooms": 2.5}, {"city": 5}, {"town": "rome"}],
)
def test_instances_that_do_not(change: dict[str, Any]) -> None:
    assert not fits([GOOD | change], instances_schema(HOUSES, 10))


def test_an_optional_input_may_lack_but_not_everywhere() -> None:
    lacking = {"age": 1.5, "rooms": 2}
    assert fits([lacking, GOOD], instances_schema(HOUSES, 10))
    assert not fits([lacking], instances_schema(HOUSES, 10))


def test_the_limit_on_instances_is_told() -> None:
    assert fits([GOOD] * 10, instances_schema(HOUSES, 10))
    assert not fits([GOOD] * 11, instances_schema(HOUSES, 10))


def test_one_input_needs_no_name() -> None:
    schema = instances_schema(PIXELS, 10)
    assert fits([[[0, 255], [1]]], schema)
    assert fits([{"pixels": [[0], [1]]}], schema)
    assert not any(fits([value], schema) for value in ([[0]], [[0], [256]], 5, {"pixel": [[0], [1]]}))
    assert fits([[[0], [1]]], columns_schema(PIXELS, 10))


def test_predictions_of_one_output_are_bare() -> None:
    floats = TensorSpec(name="y", dtype="float32", shape=(None, 3))
    texts = TensorSpec(name="s", dtype="string", shape=(None,))
    assert fits([1.5, None], predictions_schema([floats]))
    assert fits({"y": [1.0], "s": {"b64": "/w=="}}, predictions_schema([floats, texts])) is False
    assert fits({"y": [1.0], "s": "text"}, predictions_schema([floats, texts]))


def test_examples_fit_their_schemas() -> None:
    for signature in (HOUSES, PIXELS):
        assert fits([example_instance(signature)], instances_schema(signature, 10))


def test_examples_are_usual_values_where_they_are_known() -> None:
    usual = {"age": 41.5, "rooms": 3, "city": "rome"}
    inputs = tuple(dataclasses.replace(spec, example=usual[spec.name]) for spec in HOUSES.inputs)
    assert example_instance(dataclasses.replace(HOUSES, inputs=inputs)) == usual


def test_the_order_of_classes_is_told() -> None:
    odds = TensorSpec(name="odds", dtype="float32", shape=(None, 2), labels=("late", "on time"))
    assert predictions_schema([odds])["description"] == "of late, on time, in this order"


def test_the_document_is_one_and_names_what_there_is() -> None:
    with served(traffic={1: 90, 2: 10}, default=1, token="t") as endpoint:
        document = endpoint.client.get("/openapi.json", headers={"authorization": "Bearer t"}).json()
    schemathesis.openapi.from_dict(document).validate()
    assert document["security"] == [{"token": []}]
    parameters = document["paths"]["/v1/models/taxi/versions/{version}:predict"]["parameters"]
    assert parameters[0]["schema"] == {"type": "string", "enum": ["1", "2"]}
    assert document["components"]["examples"]["one"]["value"] == {
        "instances": [{"age": 1.5, "rooms": 1, "city": "text"}]
    }
    replies = document["paths"]["/v1/models/taxi:predict"]["post"]["responses"]
    assert set(replies) == {"200", "400", "401", "403", "408", "413", "415", "429", "500", "503"}


def test_without_aliases_and_token_nothing_is_said_of_them() -> None:
    with served() as endpoint:
        document = endpoint.client.get("/openapi.json").json()
    assert not any("labels" in path for path in document["paths"])
    assert "security" not in document
