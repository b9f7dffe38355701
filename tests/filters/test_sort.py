from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.errors import UsageError
from mlmagic.filters.sort import SortKey, order, parse_sort, python_key
from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("createTime", [SortKey(key="createTime")]),
        (
            "~create_time, displayName",
            [SortKey(key="createTime", is_descending=True), SortKey(key="displayName")],
        ),
        ("~ metrics.val_loss", [SortKey(key="metrics.val_loss", is_descending=True)]),
        ("jobId,scaleTier", [SortKey(key="id"), SortKey(key="scaleTier")]),
    ],
)
def test_keys_are_read(text: str, keys: list[SortKey]) -> None:
    assert list(parse_sort(text)) == keys


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(UsageError) as raised:
        parse_sort("creatTime,,labels,args,state")
    assert str(raised.value) == (
        "jobs cannot be sorted by 'creatTime,,labels,args,state':\n"
        "  - there is no key 'creatTime'. Did you mean createTime or startTime or updateTime?\n"
        "  - there is nothing between two commas, or after a ~.\n"
        "  - 'labels' has several values; name one: labels.NAME.\n"
        "  - 'args' has several values."
    )


def test_numbers_come_before_text_and_what_is_undefined_last(new_record: Callable[..., JobRecord]) -> None:
    values = {"ten": "10", "two": "2", "text": "abc", "none": None}
    documents = {
        name: codec.encode(new_record(flags={} if value is None else {"x": value})) for name, value in values.items()
    }
    up, down = (python_key(parse_sort(text)) for text in ("flags.x", "~flags.x"))
    assert sorted(documents, key=lambda name: up(documents[name])) == ["two", "ten", "text", "none"]
    assert sorted(documents, key=lambda name: down(documents[name])) == ["text", "ten", "two", "none"]


def test_the_second_key_decides_among_equals(new_record: Callable[..., JobRecord]) -> None:
    jobs = [("b", 0), ("a", 0), ("a", 1), ("b", 1)]
    documents = [
        codec.encode(new_record(display_name=name, create_time=NOW + timedelta(hours=hour))) for name, hour in jobs
    ]
    key = python_key(parse_sort("displayName,~createTime"))
    assert [jobs[documents.index(document)] for document in sorted(documents, key=key)] == [
        ("a", 1),
        ("a", 0),
        ("b", 1),
        ("b", 0),
    ]


def test_no_keys_are_no_order() -> None:
    assert order(()) is None


def test_a_direction_in_the_words_of_sql_is_told_in_ours() -> None:
    with pytest.raises(UsageError, match=r"there is no 'desc' after a key: write ~createTime."):
        parse_sort("createTime desc")
