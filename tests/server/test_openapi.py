from __future__ import annotations

import re
from typing import Any

from support.rest import Ask

from mlmagic.server.openapi import document
from mlmagic.server.routing import load
from mlmagic.spec.codec import encode
from mlmagic.spec.model import TensorSpec


def described() -> dict[str, Any]:
    return document(load().routes, "/")


async def test_the_api_describes_itself_without_a_workspace(ask: Ask) -> None:
    answer = await ask("openapi.json")
    assert answer.status == 200
    assert answer.json == document(load().routes, "/a%40b/")
    assert answer.json["servers"] == [{"url": "/a%40b/mlmagic/api/v1"}]


def test_every_route_of_the_api_is_described() -> None:
    told = described()["paths"]
    assert set(told) == {f"/{route.path}" for route in load().routes if not route.path.startswith("/")}
    assert set(told["/models/{name}"]) == {"get", "delete"}
    assert set(told["/jobs/{job}/cancel"]) == {"post"}


def test_every_verb_says_what_it_does() -> None:
    verbs = [(path, verb, told) for path, verbs in described()["paths"].items() for verb, told in verbs.items()]
    assert [(path, verb) for path, verb, told in verbs if not told["summary"]] == []
    assert len({told["operationId"] for _, _, told in verbs}) == len(verbs)


def test_what_is_referred_to_is_there() -> None:
    told = described()
    referred = set(re.findall(r"#/components/schemas/(\w+)", str(told)))
    assert referred <= set(told["components"]["schemas"])
    assert {"JobRow", "Problem", "ModelVersion", "JobState"} <= referred


def test_bodies_and_queries_are_those_that_are_read() -> None:
    paths = described()["paths"]
    body = paths["/models/{name}/default"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {
            "version": {"type": "integer"},
            "minImprovement": {
                "anyOf": [
                    {"type": "string"},
                    {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
                ]
            },
            "yes": {"type": "boolean"},
        },
        "required": ["version"],
        "additionalProperties": False,
    }
    assert paths["/jobs/{job}/rerun"]["post"]["requestBody"]["required"] is False
    (ids,) = paths["/jobs/compare"]["get"]["parameters"]
    assert (ids["name"], ids["in"], ids["required"], ids["explode"]) == ("ids", "query", True, False)


def test_answers_have_the_fields_that_are_always_written() -> None:
    schema = described()["components"]["schemas"]["TensorSpec"]
    assert schema["required"] == ["name", "dtype", "shape", "optional"]
    assert set(encode(TensorSpec(name="x", dtype="int64", shape=()))) == set(schema["required"])
    responses = described()["paths"]["/jobs/{job}/package"]["get"]["responses"]
    files = responses["200"]["content"]["application/json"]["schema"]["properties"]["files"]
    assert files == {"type": "array", "items": {"$ref": "#/components/schemas/PackageFile"}}
    assert set(described()["paths"]["/models/{name}"]["delete"]["responses"]) == {"204", "default"}
