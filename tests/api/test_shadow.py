from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from mlmagic.api.deployment_arguments import read_wish
from mlmagic.api.deployment_edit import check_flags, check_signatures, deployment_notes, first_spec, next_spec
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import EndpointSpec
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

NOW = datetime(2026, 1, 31, tzinfo=UTC)
AGE = TensorSpec(name="age", dtype="float32", shape=(None,))


def version(number: int, dtype: str = "float32") -> ModelVersion:
    inputs = (dataclasses.replace(AGE, dtype=dtype),)
    return ModelVersion(model="taxi", number=number, create_time=NOW, signature=Signature(inputs=inputs))


def made() -> EndpointSpec:
    return first_spec(read_wish("taxi"), version(1), now=NOW)


def changed(spec: EndpointSpec, number: int, reference: str | None = None, **arguments: Any) -> EndpointSpec:
    return next_spec(spec, read_wish(reference or f"taxi@{number}", **arguments), version(number))


def test_a_shadow_changes_nothing_that_is_served() -> None:
    before = made()
    after = changed(before, 2, shadow="0.25", engine="session", idle=60)
    assert after.shadow is not None
    assert (after.shadow.version, after.shadow.share, after.shadow.engine) == (2, 0.25, "session")
    assert (after.deployed, after.follows, after.scaling.idle_seconds) == (before.deployed, "default", 60)
    (note,) = deployment_notes(before, after)
    assert note.startswith("taxi@2 gets a copy of 25 % of the requests; its answers are compared, and never returned.")


def test_asked_for_once_more_it_goes_on_and_another_takes_its_place() -> None:
    first = changed(made(), 2, shadow=True)
    assert changed(first, 2, shadow=1) == first
    second = changed(first, 3, shadow="1")
    assert second.shadow is not None
    assert second.shadow.version == 3
    assert deployment_notes(first, second)[0] == "taxi@2 is no longer its shadow."


@pytest.mark.parametrize("arguments", [{}, {"traffic": 10}, {"canary": "5,100"}])
def test_to_promote_it_ends_it(arguments: dict[str, Any]) -> None:
    before = changed(made(), 2, shadow=True)
    after = changed(before, 2, **arguments)
    assert after.shadow is None
    assert "taxi@2 is no longer its shadow." in deployment_notes(before, after)
    assert changed(before, 3, traffic=10).shadow == before.shadow


def test_it_ends_when_that_is_said() -> None:
    before = changed(made(), 2, shadow=True)
    assert changed(before, 1, "taxi", shadow="off").shadow is None
    assert changed(before, 2, shadow=False).shadow is None
    with pytest.raises(UsageError, match=r"taxi@3 is no shadow of 'taxi': that is taxi@2\."):
        changed(before, 3, shadow="off")
    with pytest.raises(UsageError, match=r"the endpoint 'taxi' has no shadow that could end\."):
        changed(made(), 2, shadow="off")


def test_a_version_that_answers_or_stands_alone_is_none() -> None:
    with pytest.raises(UsageError, match=r"taxi@1 answers 100 % of the requests to 'taxi' itself"):
        changed(made(), 1, shadow=True)
    with pytest.raises(UsageError, match=r"taxi@1 cannot be a shadow: the endpoint serves no version"):
        first_spec(read_wish("taxi", shadow=True), version(1), now=NOW)


def test_one_that_takes_something_else_is_none() -> None:
    with pytest.raises(UsageError, match=r"taxi@2 cannot be a shadow of 'taxi'") as caught:
        check_signatures(changed(made(), 2, shadow=True), [version(1), version(2, "string")])
    assert list(caught.value.problems) == ["input age: float32 (?) → string (?)"]


@pytest.mark.parametrize("told", [0, -1, 2, "half", "nan", 1.5])
def test_shares_that_are_none(told: object) -> None:
    with pytest.raises(UsageError) as caught:
        read_wish("taxi@2", shadow=told, traffic=5, canary="5,100")
    assert f"shadow {told!r} is no share of the requests: it is above 0 and at most 1, such as 0.1, or off." in str(
        caught.value
    )
    assert "shadow and traffic and canary exclude each other: a shadow answers no request." in str(caught.value)


def test_there_is_none_on_vertex_ai() -> None:
    with pytest.raises(UsageError, match=r"--shadow is for endpoints on this machine, and this one is on Vertex AI"):
        check_flags(read_wish("taxi@2", shadow=True), "google")
