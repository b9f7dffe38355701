from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.api.traffic import apportioned, with_shares, with_version, without_version
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import DeployedVersion

WEIGHTS = st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(any)


def versions(**shares: int) -> tuple[DeployedVersion, ...]:
    return tuple(DeployedVersion(number=int(name[1:]), traffic=share) for name, share in shares.items())


def shares(found: tuple[DeployedVersion, ...]) -> dict[int, int]:
    return {version.number: version.traffic for version in found}


def new(number: int, traffic: int) -> DeployedVersion:
    return DeployedVersion(number=number, traffic=traffic)


def test_a_new_version_takes_its_share_from_the_others_in_proportion() -> None:
    found = with_version(versions(v1=75, v2=25), new(3, 20), model="taxi")
    assert shares(found) == {1: 60, 2: 20, 3: 20}


def test_a_version_that_gets_all_leaves_the_others_for_a_roll_back() -> None:
    assert shares(with_version(versions(v1=90, v2=10), new(2, 100), model="taxi")) == {1: 0, 2: 100}


def test_what_was_rolled_back_gets_the_rest() -> None:
    assert shares(with_version(versions(v1=0, v2=100), new(2, 30), model="taxi")) == {1: 70, 2: 30}


def test_a_share_of_zero_can_be_asked_by_number_alone() -> None:
    assert shares(with_version(versions(v1=100), new(2, 0), model="taxi")) == {1: 100, 2: 0}


def test_versions_stand_in_order() -> None:
    assert list(shares(with_version(versions(v2=100), new(1, 10), model="taxi"))) == [1, 2]


def test_the_first_version_gets_all() -> None:
    told = r"taxi@1 is the only version, so it gets all requests: a share of 10 % needs another beside it\."
    with pytest.raises(UsageError, match=told):
        with_version((), new(1, 10), model="taxi")


def test_nobody_says_who_gets_the_rest() -> None:
    with pytest.raises(UsageError) as caught:
        with_version(versions(v1=0, v2=0, v3=100), new(3, 40), model="taxi")
    assert str(caught.value).split("\n") == [
        "taxi@1 0 %, taxi@2 0 %: none of them gets requests now, so nothing says how to share 60 %.",
        "Say it: %endpoints traffic ENDPOINT taxi@1=… taxi@2=…",
    ]


def test_the_share_of_a_version_that_goes_is_shared() -> None:
    assert shares(without_version(versions(v1=60, v2=20, v3=20), 3, model="taxi")) == {1: 75, 2: 25}
    assert shares(without_version(versions(v1=0, v2=100), 2, model="taxi")) == {1: 100}


def test_the_last_version_cannot_go() -> None:
    with pytest.raises(UsageError) as caught:
        without_version(versions(v1=100), 1, model="taxi")
    assert str(caught.value).split("\n") == [
        "taxi@1 is the only version that is deployed: an endpoint has at least one.",
        "First deploy another; or end it: %endpoints stop ENDPOINT, or %endpoints delete ENDPOINT",
    ]


def test_what_is_not_deployed_cannot_go() -> None:
    with pytest.raises(UsageError, match=r"taxi@7 is not deployed\.\nDeployed: taxi@1 100 %\."):
        without_version(versions(v1=100), 7, model="taxi")


def test_shares_as_they_are_given() -> None:
    found = with_shares(versions(v1=50, v2=50, v3=0), {1: 10, 3: 90}, model="taxi")
    assert shares(found) == {1: 10, 2: 0, 3: 90}


def test_all_that_is_wrong_with_shares_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        with_shares(versions(v1=100), {1: -5, 4: 100}, model="taxi")
    assert str(caught.value).split("\n") == [
        "the requests cannot be split so: taxi@1=-5 taxi@4=100.",
        "  - taxi@4 is not deployed.",
        "  - taxi@1=-5: a share is 0 to 100",
        "  - the shares are 95 together, not 100",
        "Deployed: taxi@1 100 %.",
    ]


@given(WEIGHTS, st.integers(0, 100))
def test_shares_add_up_and_stay_near_their_proportions(weights: list[int], total: int) -> None:
    found = apportioned(weights, total)
    assert sum(found) == total
    for share, weight in zip(found, weights, strict=True):
        assert share >= 0
        assert abs(share - weight * total / sum(weights)) < 1


@given(WEIGHTS, st.integers(0, 100))
def test_a_larger_share_never_gets_less_than_a_smaller(weights: list[int], total: int) -> None:
    found = apportioned(weights, total)
    for share, weight in zip(found, weights, strict=True):
        for other_share, other_weight in zip(found, weights, strict=True):
            assert weight <= other_weight or share >= other_share
