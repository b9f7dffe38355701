from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.deployed import deploying_session
from support.kept_endpoints import until

from mlmagic.api.deployment import deploy
from mlmagic.api.deployment_arguments import read_wish
from mlmagic.api.deployment_edit import deployment_notes, first_spec, next_spec
from mlmagic.errors import ConflictError, UsageError
from mlmagic.panels.endpoint_rollout import rollout_sentence
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec, EndpointState, EndpointStatus
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec
from mlmagic.spec.rollout import RolloutState, RolloutStatus

NOW = datetime(2026, 1, 31, tzinfo=UTC)
AGE = TensorSpec(name="age", dtype="float32", shape=(None,))


def version(number: int) -> ModelVersion:
    return ModelVersion(model="taxi", number=number, create_time=NOW, signature=Signature(inputs=(AGE,)))


def made(**arguments: Any) -> EndpointSpec:
    return first_spec(read_wish("taxi@1", **arguments), version(1), now=NOW)


def changed(spec: EndpointSpec, number: int, *, has_failed: bool = False, **arguments: Any) -> EndpointSpec:
    return next_spec(spec, read_wish(f"taxi@{number}", **arguments), version(number), has_failed=has_failed)


def shares(deployed: Any) -> dict[int, int]:
    return {one.number: one.traffic for one in deployed}


def test_a_roll_out_says_what_each_step_serves() -> None:
    before = made()
    spec = changed(before, 2, canary="5, 25%,100", hold="1m")
    assert spec.rollout is not None
    assert [shares(stage.deployed) for stage in spec.rollout.stages] == [{1: 95, 2: 5}, {1: 75, 2: 25}, {1: 0, 2: 100}]
    assert (shares(spec.deployed), spec.rollout.hold_seconds) == ({1: 95, 2: 5}, 60)
    assert spec.rollout.before == before.deployed
    assert deployment_notes(before, spec)[0] == (
        "taxi@2 gets 5 %, then 25 %, then 100 %, each for 1 min 00 s at least, while it does no worse than others."
    )


def test_whoever_deploys_meanwhile_ends_it() -> None:
    under_way = changed(made(), 2, canary=(5, 100))
    spec = changed(under_way, 2, traffic=50)
    assert (spec.rollout, shares(spec.deployed)) == (None, {1: 50, 2: 50})
    assert "The roll-out of taxi@2 ends." in deployment_notes(under_way, spec)
    with pytest.raises(ConflictError, match=r"a roll-out of taxi@2 to 'taxi' is under way"):
        changed(under_way, 3, canary=(5, 100))


@pytest.mark.parametrize("canary", ["", "5,25", "25,5,100", "0,100", "5,5,100", "5,a,100", "5,200", 5, True])
def test_steps_that_are_none(canary: object) -> None:
    with pytest.raises(UsageError, match=r"no list of whole percents that rise to 100, such as 5,25,100"):
        read_wish("taxi@2", canary=canary)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_wish("taxi@2", canary="5,100", traffic=10, hold="never")
    assert len(caught.value.problems) == 2
    with pytest.raises(UsageError, match=r"hold is how long each step of canary takes: say canary, too"):
        read_wish("taxi@2", hold="10m")


def test_there_must_be_something_to_compare_with() -> None:
    for make in (
        lambda: made(canary="5,100"),
        lambda: changed(made(), 1, canary="5,100"),
        lambda: changed(made(), 2, canary="5,100", has_failed=True),
    ):
        with pytest.raises(UsageError, match=r"cannot be rolled out: the endpoint serves no other version"):
            make()
    with pytest.raises(UsageError, match=r"taxi@2 gets 30 % of the requests already"):
        changed(changed(made(), 2, traffic=30), 2, canary="25,100")


def test_the_cloud_has_none() -> None:
    spec = dataclasses.replace(made(), backend="google")
    with pytest.raises(UsageError, match=r"--canary, --hold are for endpoints on this machine"):
        changed(spec, 2, canary="5,100", hold="1m")


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"step": 1, "held_seconds": 100.0}, "step 2 of 3 (25 %), 8 min 20 s more and 20 more requests to it."),
        ({"held_seconds": 700.0, "requests": 19}, "step 1 of 3 (5 %), 1 more request to it."),
        ({"held_seconds": 700.0, "requests": 20}, "step 1 of 3 (5 %), about to end."),
        ({"state": RolloutState.COMPLETED}, "came through all steps."),
        ({"state": RolloutState.ROLLED_BACK, "reason": "it failed"}, "rolled back at 5 %: it failed."),
        ({"state": RolloutState.ENDED, "reason": "somebody did"}, "ended at 5 %: somebody did."),
    ],
)  # fmt: skip
def test_how_far_it_is(told: dict[str, Any], sentence: str) -> None:
    rollout = RolloutStatus(
        version=2, shares=(5, 25, 100), hold_seconds=600, least_requests=20, update_time=NOW, **told
    )
    status = EndpointStatus(state=EndpointState.READY, rollout=rollout, start_time=NOW, update_time=NOW)
    assert rollout_sentence(EndpointRecord(spec=made(), status=status)) == f"Roll-out of taxi@2: {sentence}"


def told_of(spec: EndpointSpec, **told: Any) -> str:
    rollout = RolloutStatus(version=2, shares=(5, 100), hold_seconds=600, update_time=NOW, **told)
    status = EndpointStatus(state=EndpointState.READY, rollout=rollout, start_time=NOW, update_time=NOW)
    return rollout_sentence(EndpointRecord(spec=spec, status=status))


def test_a_step_that_its_supervisor_has_not_told_of_begins() -> None:
    under_way = changed(made(), 2, canary=(5, 100))
    assert under_way.rollout is not None
    # What is told is still of the roll-out before.
    assert told_of(under_way, state=RolloutState.COMPLETED) == "Roll-out of taxi@2: step 1 of 2 (5 %) begins."
    plan = dataclasses.replace(under_way.rollout, create_time=NOW)
    second = dataclasses.replace(under_way, rollout=plan, deployed=plan.stages[1].deployed)
    assert told_of(second) == "Roll-out of taxi@2: step 2 of 2 (100 %) begins."
    assert told_of(second, step=1) == "Roll-out of taxi@2: step 2 of 2 (100 %), 10 min 00 s more."


def test_a_version_that_is_served_again_after_it_was_rolled_back_is_told_of() -> None:
    over = {"state": RolloutState.ROLLED_BACK, "reason": "it failed"}
    assert told_of(made(), **over) == "Roll-out of taxi@2: rolled back at 5 %: it failed."
    again = changed(made(), 2, traffic=40)
    assert told_of(again, **over) == "Roll-out of taxi@2: rolled back at 5 %: it failed. It gets 40 % now."


def test_a_roll_out_is_rolled_back_on_request(tmp_path: Path) -> None:
    with deploying_session(tmp_path) as session:
        deploy("sums@1", session=session)
        endpoint = deploy("sums@2", canary="5,100", session=session)
        assert endpoint.traffic == {1: 95, 2: 5}
        running = until(lambda: endpoint.rollout)
        assert (running.state, running.shares) == (RolloutState.RUNNING, (5, 100))
        assert endpoint.roll_back().traffic == {1: 100}
        over = until(lambda: (found := endpoint.rollout) and found.state is not RolloutState.RUNNING and found)
        assert (over.state, over.reason) == (
            RolloutState.ROLLED_BACK,
            "somebody took it back, as %endpoints rollback does",
        )
        with pytest.raises(UsageError, match=r"no roll-out to the endpoint 'sums' is under way"):
            endpoint.roll_back()
