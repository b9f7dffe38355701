from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from mlmagic.api.deployment_arguments import read_wish
from mlmagic.api.deployment_edit import check_signatures, deployment_notes, first_spec, next_spec
from mlmagic.api.signature_differences import signature_differences
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import EndpointSpec, EngineChoice, Limits, Scaling
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec
from mlmagic.spec.request_log import RequestLogging

NOW = datetime(2026, 1, 31, tzinfo=UTC)
AGE, CITY = (
    TensorSpec(name="age", dtype="float32", shape=(None,)),
    TensorSpec(name="city", dtype="string", shape=(None,)),
)


def version(number: int, *inputs: TensorSpec) -> ModelVersion:
    return ModelVersion(model="taxi", number=number, create_time=NOW, signature=Signature(inputs=inputs or (AGE,)))


def made(reference: str = "taxi", number: int = 1, **arguments: Any) -> EndpointSpec:
    spec = first_spec(read_wish(reference, **arguments), version(number), now=NOW)
    return dataclasses.replace(spec, port=spec.port or 20001)


def changed(spec: EndpointSpec, reference: str, number: int, **arguments: Any) -> EndpointSpec:
    return next_spec(spec, read_wish(reference, **arguments), version(number))


def shares(spec: EndpointSpec) -> dict[int, int]:
    return {deployed.number: deployed.traffic for deployed in spec.deployed}


def test_a_new_endpoint_follows_the_default() -> None:
    spec = made()
    assert (spec.name, spec.model, spec.follows, shares(spec)) == ("taxi", "taxi", "default", {1: 100})
    assert (spec.host, spec.needs_token, spec.scaling, spec.limits) == ("127.0.0.1", True, Scaling(), Limits())


def test_a_version_that_is_named_stays() -> None:
    assert made("taxi@2", 2).follows is None
    assert made("taxi@champion", 2).follows == "champion"


def test_a_new_endpoint_as_it_is_asked_for() -> None:
    spec = made(endpoint="rides", min_replicas=2, idle=60, port=9000, auth=False, engine="session", max_queue=5)
    assert (spec.name, spec.port, spec.needs_token) == ("rides", 9000, False)
    assert spec.scaling == Scaling(min_replicas=2, max_replicas=2, idle_seconds=60)
    assert (spec.limits, spec.deployed[0].engine) == (Limits(queue=5), EngineChoice.SESSION)


def test_the_first_version_cannot_share() -> None:
    with pytest.raises(UsageError, match=r"taxi@1 is the only version"):
        made(traffic=10)


def test_a_share_is_taken_from_the_others() -> None:
    spec = changed(made(), "taxi@2", 2, traffic=10)
    assert (shares(spec), spec.follows) == ({1: 90, 2: 10}, None)


def test_a_version_gets_all_and_the_other_stays_for_a_roll_back() -> None:
    spec = changed(made(), "taxi@2", 2)
    assert (shares(spec), spec.follows) == ({1: 0, 2: 100}, None)
    assert shares(changed(spec, "taxi@1", 1)) == {1: 100, 2: 0}


def test_the_model_alone_lets_one_version_follow_again() -> None:
    spec = changed(made("taxi@2", 2), "taxi", 1)
    assert (shares(spec), spec.follows) == ({1: 100}, "default")


def test_of_several_versions_none_is_dropped_by_the_model_alone() -> None:
    spec = changed(changed(made(), "taxi@2", 2), "taxi", 1)
    assert (shares(spec), spec.follows) == ({1: 100, 2: 0}, None)


def test_what_may_be_why_an_endpoint_failed_goes() -> None:
    spec = changed(made(), "taxi@2", 2, traffic=10)
    mended = next_spec(spec, read_wish("taxi@3"), version(3), has_failed=True)
    assert (shares(mended), mended.follows) == ({3: 100}, None)
    assert next_spec(spec, read_wish("taxi"), version(1), has_failed=True).follows == "default"


def test_what_is_not_said_stays() -> None:
    spec = made(min_replicas=1, max_replicas=4, max_body="8MB", engine="session")
    after = changed(spec, "taxi@2", 2, max_queue=5)
    assert after.scaling == spec.scaling
    assert after.limits == Limits(body_bytes=8 << 20, queue=5)
    assert [deployed.engine for deployed in after.deployed] == [EngineChoice.SESSION] * 2


def test_what_changes_nothing_changes_nothing() -> None:
    spec = made(max_replicas=4)
    assert changed(spec, "taxi", 1) == spec


def test_more_workers_at_least_are_more_at_most_and_the_other_way_round() -> None:
    assert changed(made(), "taxi", 1, min_replicas=3).scaling == Scaling(min_replicas=3, max_replicas=3)
    assert changed(made(min_replicas=3), "taxi", 1, max_replicas=2).scaling == Scaling(min_replicas=2, max_replicas=2)


def test_what_an_endpoint_keeps_cannot_be_changed() -> None:
    with pytest.raises(UsageError) as caught:
        changed(made(endpoint="rides"), "bus", 1, endpoint="rides", host="0.0.0.0", port=9000, auth=False)  # noqa: S104 - refused
    assert str(caught.value).split("\n") == [
        "the endpoint 'rides' cannot be changed so:",
        "  - it serves the model taxi, and an endpoint serves one model",
        "  - it listens on 127.0.0.1, not on 0.0.0.0",
        "  - it listens on port 20001, not on 9000",
        "  - it asks for a token",
        "Deploy on another: --endpoint NAME. Or make it anew, after %endpoints delete rides",
    ]


def test_versions_that_take_the_same_may_share() -> None:
    check_signatures(changed(made(), "taxi@2", 2, traffic=10), [version(1), version(2)])


def test_versions_that_differ_cannot_share() -> None:
    spec = changed(made(endpoint="rides"), "taxi@2", 2, endpoint="rides", traffic=10)
    with pytest.raises(UsageError) as caught:
        check_signatures(spec, [version(1), version(2, dataclasses.replace(AGE, dtype="int64"), CITY)])
    assert str(caught.value).split("\n") == [
        "taxi@1 and taxi@2 cannot share requests: a client would not know what to send.",
        "  - input age: float32 (?) → int64 (?)",
        "  - input city: none → string (?)",
        "Deploy it elsewhere: %deploy taxi@2 --endpoint rides-2",
    ]


def test_classes_in_another_order_are_another_output() -> None:
    spec = TensorSpec(name="odds", dtype="float32", shape=(None, 2))
    unknown, ours, theirs = (
        Signature(outputs=(dataclasses.replace(spec, labels=labels),)) for labels in ((), ("a", "b"), ("b", "a"))
    )
    assert signature_differences(ours, theirs) == ["output odds: float32 (?, 2) of a, b → float32 (?, 2) of b, a"]
    assert signature_differences(ours, unknown) == signature_differences(unknown, ours) == []


def test_a_version_that_differs_may_take_over() -> None:
    check_signatures(changed(made(), "taxi@2", 2), [version(1), version(2, CITY)])


def test_a_signature_that_is_not_known_is_another_one() -> None:
    assert signature_differences(None, None) == []
    told = ["the signature of one of them could not be read"]
    assert signature_differences(Signature(), None) == told
    optional = Signature(inputs=(dataclasses.replace(AGE, optional=True),))
    assert signature_differences(Signature(inputs=(AGE,)), optional) == ["input age: float32 (?) → float32 (?) or null"]


def test_notes_of_a_new_endpoint() -> None:
    assert deployment_notes(None, made()) == ("taxi follows taxi@default: %models set-default taxi@N moves it.",)
    assert deployment_notes(None, made("taxi@2", 2)) == ()


def test_notes_of_an_open_endpoint() -> None:
    local = deployment_notes(None, made("taxi@1", auth=False))
    assert local == ("It asks for no token (--no-auth): every user of this machine can ask it.",)
    everywhere = deployment_notes(None, made("taxi@1", host="0.0.0.0", auth=False))  # noqa: S104 - what is told of
    assert everywhere == (
        "It listens on 0.0.0.0, so other machines can ask it; what goes over the network is not encrypted.",
        "It asks for no token (--no-auth): whoever reaches this machine can ask it.",
    )


def test_notes_of_a_change() -> None:
    before = made()
    after = changed(before, "taxi@2", 2)
    assert deployment_notes(before, after) == (
        "taxi no longer follows taxi@default: it serves what it is told.",
        (
            "taxi@1 stays with 0 % for a roll-back: %endpoints traffic taxi taxi@1=100; to take it away: "
            "%endpoints undeploy taxi taxi@1"
        ),
    )
    pinned = made("taxi@2", 2)
    assert deployment_notes(pinned, changed(pinned, "taxi@champion", 1)) == (
        "taxi follows taxi@champion: moving taxi@champion moves it.",
        "taxi@2 is no longer deployed.",
    )


def test_requests_are_logged_from_when_a_share_is_asked_for_until_it_is_0() -> None:
    spec = made(log_sample=0.1, log_key="age")
    more = changed(spec, "taxi", 1, log_budget="2GB")
    assert spec.log == RequestLogging(sampling_rate=0.1, budget_bytes=1 << 30, key="age")
    assert more.log == RequestLogging(sampling_rate=0.1, budget_bytes=2 << 30, key="age")
    assert changed(more, "taxi", 1).log == more.log
    assert changed(more, "taxi", 1, log_sample=0).log is None
    assert "It keeps 10 % of its requests, as they are sent, in 1.0 GiB of disk." in deployment_notes(None, spec)


def test_a_log_needs_a_share_and_an_input_as_its_key() -> None:
    with pytest.raises(UsageError, match="the endpoint 'taxi' logs no requests") as refused:
        made(log_budget="1GB")
    assert refused.value.hint == "Say which part of them: --log-sample 0.1"
    with pytest.raises(
        UsageError, match="taxi@1 has no input 'id' that could name its instances: it has age"
    ) as refused:
        made(log_sample=1, log_key="id")
    assert "%%preprocess NAME … --key id, and training on that dataset" in str(refused.value)
