"""What becomes of a model's document."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.models import registry

NAME = "projects/p/locations/r/models/1"
TIME = "2026-01-01T00:00:00Z"


def model_with(*aliases: list[str]) -> dict[str, Any]:
    document = registry.new_document(NAME, {"display_name": "taxi"}, TIME)
    for each in aliases:
        registry.add_version(document, {"version_aliases": each}, 1, TIME)
    return document


def test_first_version_is_the_default_and_stays_it() -> None:
    document = model_with([], ["golden"])
    assert document["aliases"] == {"default": "1", "golden": "2"}
    assert registry.find_version(document, None) == "1"
    assert registry.find_version(document, "golden") == registry.find_version(document, "2") == "2"


def test_a_version_may_become_the_default_at_once() -> None:
    document = model_with([], ["default"])
    assert document["aliases"] == {"default": "2"}
    assert registry.message_of(document, "1")["version_aliases"] == []


def test_an_alias_points_at_one_version() -> None:
    document = model_with(["golden"], [])
    registry.merge_aliases(document, "2", ["golden", "default"], TIME)
    registry.merge_aliases(document, "1", ["-golden"], TIME)
    assert document["aliases"] == {"default": "2", "golden": "2"}
    registry.merge_aliases(document, "2", ["-golden"], TIME)
    assert document["aliases"] == {"default": "2"}


def test_the_default_cannot_be_taken_away() -> None:
    with pytest.raises(ApiError, match="The alias default cannot be removed: give it to another version of the model"):
        registry.merge_aliases(model_with([]), "1", ["-default"], TIME)


def test_a_number_is_never_given_again() -> None:
    document = model_with([], ["golden"])
    registry.remove_version(document, "2", TIME)
    assert registry.add_version(document, {}, None, TIME) == "3"
    assert document["aliases"] == {"default": "1"}


@pytest.mark.parametrize(
    ("count", "version", "why"),
    [(1, "1", "is the only version of the model. Use DeleteModel"), (2, "1", "is the default version. Give the alias")],
)
def test_versions_that_stay(count: int, version: str, why: str) -> None:
    with pytest.raises(ApiError, match=why) as refused:
        registry.remove_version(model_with(*[[]] * count), version, TIME)
    assert refused.value.status == "FAILED_PRECONDITION"


def test_a_version_that_is_not_there() -> None:
    with pytest.raises(ApiError, match=f"The Model version {NAME}@9 was not found"):
        registry.find_version(model_with([]), "9")


def test_model_and_version_have_fields_of_their_own() -> None:
    document = model_with([], [])
    registry.change_fields(document, None, {"labels": {"a": "b"}}, ["labels"], TIME)
    registry.change_fields(document, "2", {"version_description": "second"}, ["version_description"], TIME)
    first, second = (registry.message_of(document, version) for version in ("1", "2"))
    assert first["labels"] == second["labels"] == {"a": "b"}
    assert second["version_description"] == "second"
    assert "version_description" not in first
    with pytest.raises(ApiError, match="Cannot update labels; here these can: version_description"):
        registry.change_fields(document, "2", {}, ["labels"], TIME)
