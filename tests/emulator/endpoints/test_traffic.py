"""Shares of an endpoint's requests."""

from __future__ import annotations

from collections import Counter

import pytest

from mlmagic.emulator.endpoints.traffic import check_split, pick, with_new
from mlmagic.emulator.errors import ApiError


def test_the_new_one_gets_its_id() -> None:
    assert with_new({"0": 20, "7": 80}, "8", ["7"]) == {"8": 20, "7": 80}
    assert with_new({"0": 100, "7": 0}, "8", ["7"]) == {"8": 100}


@pytest.mark.parametrize("split", [{"0": 20, "7": 70}, {"0": 120, "7": -20}])
def test_shares_that_do_not_add_up(split: dict[str, int]) -> None:
    with pytest.raises(ApiError, match="The traffic percentage values must add up to 100, got 0: ") as refused:
        with_new(split, "8", ["7"])
    assert refused.value.code == 400


def test_shares_of_what_is_not_there() -> None:
    with pytest.raises(ApiError, match="traffic_split refers to DeployedModels that are not there: 0, 9"):
        check_split({"0": 50, "9": 50}, ["7"])


def test_requests_are_shared() -> None:
    counts = Counter(pick({"1": 80, "2": 20}, "e") for _ in range(2000))
    assert counts.keys() == {"1", "2"}
    assert 200 < counts["2"] < 600
    with pytest.raises(ApiError, match="The Endpoint e does not have any traffic to a deployed model"):
        pick({}, "e")
