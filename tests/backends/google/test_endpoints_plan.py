"""What is next to be done to an endpoint of Vertex AI."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from mlmagic.backends.google.endpoints_plan import Step, Verb, difference, next_step
from mlmagic.backends.google.endpoints_remote import EndpointNotes, RemoteDeployed, RemoteEndpoint
from mlmagic.backends.google.endpoints_status import is_at_rest, record_of
from mlmagic.spec.endpoint import DeployedVersion, EndpointGoal, EndpointSpec, EndpointState, Scaling

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def spec(*shares: int, goal: EndpointGoal = EndpointGoal.SERVE, generation: int = 1) -> EndpointSpec:
    """An endpoint of versions 1, 2, … with these shares."""
    return EndpointSpec(
        name="rides",
        backend="google",
        model="taxi",
        deployed=tuple(DeployedVersion(number=at, traffic=share) for at, share in enumerate(shares, 1)),
        port=0,
        goal=goal,
        generation=generation,
        create_time=NOW,
        update_time=NOW,
    )


def there(replicas: int = 1, **traffic: int) -> RemoteEndpoint:
    """An endpoint with these models, `_1` for that of id 1."""
    shares = {key.removeprefix("_"): share for key, share in traffic.items()}
    deployed = {
        key: RemoteDeployed(id=key, model="m", version="1", min_replicas=replicas, max_replicas=replicas)
        for key in shares
    }
    return RemoteEndpoint(name="e", deployed=deployed, traffic={key: share for key, share in shares.items() if share})


def test_the_first_model_gets_all_requests_and_the_second_none_at_first() -> None:
    assert next_step(spec(100), there(), ()) == Step(verb=Verb.DEPLOY, deployed_id="1", traffic={"0": 100})
    assert next_step(spec(80, 20), there(_1=100), (1,)) == Step(verb=Verb.DEPLOY, deployed_id="2")


def test_the_split_is_one_request_and_comes_before_what_is_taken_away() -> None:
    found = there(_1=80, _2=20)
    assert next_step(spec(30, 70), found, (1, 2)) == Step(verb=Verb.SPLIT, traffic={"1": 30, "2": 70})
    assert next_step(spec(100), found, (1, 2)) == Step(verb=Verb.SPLIT, traffic={"1": 100})
    assert next_step(spec(100), there(_1=100, _2=0), (1, 2)) == Step(verb=Verb.UNDEPLOY, deployed_id="2")


def test_what_others_deployed_stays_unless_the_endpoint_goes() -> None:
    found = there(_1=100, _7=0)
    assert next_step(spec(100), found, (1,)) is None
    assert next_step(spec(100, goal=EndpointGoal.STOP), there(_7=0), (1,)) is None
    assert next_step(spec(100, goal=EndpointGoal.DELETE), found, (1,)) == Step(verb=Verb.UNDEPLOY, deployed_id="7")


def test_who_has_requests_hands_them_over_before_it_goes() -> None:
    step = next_step(spec(80, 20, goal=EndpointGoal.STOP), there(_1=80, _2=20), (1, 2))
    assert step == Step(verb=Verb.UNDEPLOY, deployed_id="2", traffic={"1": 100})
    last = next_step(spec(80, 20, goal=EndpointGoal.STOP), there(_1=100), (1, 2))
    assert last == Step(verb=Verb.UNDEPLOY, deployed_id="1")
    assert next_step(spec(100, goal=EndpointGoal.DELETE), there(), ()) == Step(verb=Verb.DELETE)


def test_replicas_are_one_at_least() -> None:
    wanted = dataclasses.replace(spec(100), scaling=Scaling(min_replicas=0, max_replicas=3))
    assert next_step(wanted, there(_1=100), (1,)) == Step(verb=Verb.SCALE, deployed_id="1")
    assert next_step(spec(100), there(_1=100), (1,)) is None


def test_what_others_changed_is_told() -> None:
    assert difference(spec(100), there(_1=100)) is None
    assert difference(spec(80, 20), there(_1=100)) == "taxi@2 is no longer deployed there"
    told = "the requests are split otherwise there: taxi@1 50 %, taxi@2 50 %"
    assert difference(spec(80, 20), there(_1=50, _2=50)) == told


def test_states_follow_from_what_is_asked_for_and_what_was_heard() -> None:
    notes = EndpointNotes(project="p", region="r", update_time=NOW)
    served = dataclasses.replace(notes, served=spec(100), name="e")
    refused = dataclasses.replace(notes, refused_generation=1, error="no")

    def state(wanted: EndpointSpec, known: EndpointNotes | None) -> EndpointState:
        return record_of(wanted, known, address=None).status.state

    assert (state(spec(100), None), state(spec(100), refused)) == (EndpointState.STARTING, EndpointState.FAILED)
    assert state(spec(100), served) is EndpointState.READY
    assert state(spec(90, 10, generation=2), served) is EndpointState.UPDATING
    assert state(spec(100, goal=EndpointGoal.STOP, generation=2), served) is EndpointState.STOPPING
    assert not is_at_rest(spec(100), dataclasses.replace(served, operation="o"))


def test_one_that_cannot_be_asked_is_told_as_last_heard() -> None:
    served = EndpointNotes(project="p", region="r", update_time=NOW, served=spec(100), name="e")
    status = record_of(spec(100), served, address="a", trouble="no answer from Google.").status
    assert (status.state, status.note) == (EndpointState.READY, "Not up to date: no answer from Google.")
