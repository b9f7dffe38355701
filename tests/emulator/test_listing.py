"""Pages of lists."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.listing import list_page

JOBS = [{"name": f"j{number}", "create_time": f"2026-01-0{number}", "size": number % 3} for number in range(1, 8)]


def names(request: dict[str, Any], documents: list[dict[str, Any]] = JOBS) -> tuple[str, str]:
    page = list_page(documents, request, "jobs")
    return " ".join(job["name"] for job in page["jobs"]), page.get("next_page_token", "")


def test_pages_follow_one_another_to_the_end() -> None:
    first, token = names({"page_size": 3})
    second, token_of_second = names({"page_size": 3, "page_token": token})
    third, end = names({"page_size": 3, "page_token": token_of_second})

    assert (first, second, third, end) == ("j1 j2 j3", "j4 j5 j6", "j7", "")


def test_what_is_new_or_gone_moves_no_page() -> None:
    _, token = names({"page_size": 3})

    assert names({"page_size": 2, "page_token": token}, [{"name": "j0"}, *JOBS])[0] == "j4 j5"
    assert names({"page_size": 2, "page_token": token}, JOBS[1:])[0] == "j4 j5"


def test_order_by_sorts_by_several_fields() -> None:
    assert names({"order_by": "create_time desc", "page_size": 2})[0] == "j7 j6"
    assert names({"order_by": "size desc, createTime", "page_size": 4})[0] == "j2 j5 j1 j4"


def test_a_filter_comes_before_the_pages() -> None:
    assert names({"filter": "size=0", "page_size": 1})[0] == "j3"


@pytest.mark.parametrize("request_", [{"page_size": -1}, {"page_token": "x"}, {"order_by": "a b"}, {"filter": "="}])
def test_what_cannot_be_read_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        list_page(JOBS, request_, "jobs")

    assert refused.value.status == "INVALID_ARGUMENT"
