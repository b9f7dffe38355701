from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.errors import UsageError
from mlmagic.spec import names
from mlmagic.spec.names import ModelReference, parse_model_reference

NOW = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
HOSTILE = ["", ".", "..", "../x", "a/b", "a b", "1a", "-a", "a@1", "a\n", "a\0", "tä", "a" * 101]


@pytest.mark.parametrize("name", ["a", "Taxi_2-b", "a" * 100])
def test_allowed_names(name: str) -> None:
    assert names.check_name(name) == name
    assert names.is_name(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_other_names_are_refused(name: str) -> None:
    assert not names.is_name(name)
    with pytest.raises(UsageError, match="cannot be used: it must start with a letter"):
        names.check_name(name)


def test_the_error_says_what_is_allowed_and_what_to_try() -> None:
    with pytest.raises(UsageError) as raised:
        names.check_name("my taxi!", "model name")
    assert str(raised.value) == (
        "model name 'my taxi!' cannot be used: it must start with a letter and have up to 100 letters, digits, "
        "- and _.\nTry 'my-taxi'."
    )


def test_what_has_no_letter_to_begin_with_gets_a_word() -> None:
    with pytest.raises(UsageError, match="Try 'alias-3'"):
        names.check_name("3", "alias")
    with pytest.raises(UsageError, match="Try 'job-3'"):
        names.check_name("3", "job name")


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=120))
def test_what_is_suggested_is_allowed(name: str) -> None:
    assert names.is_name(names.suggest_name(name))


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,99}", fullmatch=True).filter(str.isascii))
def test_an_allowed_name_is_its_own_suggestion_and_makes_an_id(name: str) -> None:
    assert names.suggest_name(name) in (name, name.strip("-"))
    assert names.is_job_id(names.new_job_id(name, NOW))


def test_an_id_has_name_time_and_four_random_digits() -> None:
    ids = {names.new_job_id("taxi", NOW) for _ in range(20)}
    assert {job_id[:-4] for job_id in ids} == {"taxi-20260131-235959-"}
    assert len(ids) > 1


@pytest.mark.parametrize(
    "text", ["taxi", "taxi-20260131-235959", "taxi-20260131-235959-00AB", "../taxi-20260131-235959-0a1b"]
)
def test_what_is_no_id(text: str) -> None:
    assert not names.is_job_id(text)


def test_labels_keep_to_the_clouds_rules_and_all_that_do_not_are_listed() -> None:
    assert names.check_labels({"team": "nyc-1", "empty": ""}) == {"team": "nyc-1", "empty": ""}
    with pytest.raises(UsageError) as raised:
        names.check_labels({"Team": "ok", "owner": "Ann B"})
    assert str(raised.value) == (
        "labels hold lowercase letters, digits, - and _ (at most 64; a key starts with a letter); not allowed:\n"
        "  - key 'Team'\n"
        "  - value 'Ann B' of 'owner'"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("taxi", ModelReference("taxi", alias="default")),
        ("taxi@3", ModelReference("taxi", version=3)),
        ("taxi@latest", ModelReference("taxi", alias="latest")),
    ],
)
def test_references(text: str, expected: ModelReference) -> None:
    assert parse_model_reference(text) == expected
    assert parse_model_reference(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "@1", "taxi@0", "taxi@-1", "taxi@1@2", "a/b@1", "taxi@\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        parse_model_reference(text)


def test_a_reference_that_breaks_off() -> None:
    with pytest.raises(UsageError) as caught:
        parse_model_reference("taxi@")
    assert str(caught.value) == "'taxi@' ends with @: a version or an alias follows it.\nWrite taxi@1 or taxi."
