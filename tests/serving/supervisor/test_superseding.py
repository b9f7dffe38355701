"""What comes while a version is loading."""

from __future__ import annotations

from support.held_up import HeldUp, model_file
from support.kept_endpoints import NAME, KeptEndpoint

from mlmagic.serving.supervisor.launch import stop_supervisor
from mlmagic.spec.endpoint import DeployedVersion, EndpointState, Scaling


def only(number: int) -> tuple[DeployedVersion, ...]:
    return (DeployedVersion(number=number),)


def test_going_back_does_not_wait_for_what_is_loading(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    held = HeldUp(model_file(endpoint.workspace, 2))
    endpoint.begin(deployed=only(2))
    held.until_read()
    assert endpoint.status.state is EndpointState.UPDATING
    status = endpoint.change(deployed=only(1))
    assert (status.generation, status.refused_generation) == (3, 0)
    assert endpoint.ask() == (2.0, "sums@1")
    held.release()
    assert endpoint.deploy(2).generation == 4
    assert endpoint.ask() == (3.0, "sums@2")


def test_a_split_does_not_wait_either_and_what_was_loading_goes_on(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    held = HeldUp(model_file(endpoint.workspace, 2))
    endpoint.begin(deployed=(DeployedVersion(number=1, traffic=100), DeployedVersion(number=2, traffic=0)))
    held.until_read()
    last = endpoint.begin(deployed=(DeployedVersion(number=1, traffic=0), DeployedVersion(number=2, traffic=100)))
    assert endpoint.ask() == (2.0, "sums@1")
    held.release()
    assert endpoint.until_settled(last).generation == last
    assert endpoint.ask() == (3.0, "sums@2")


def test_a_worker_that_dies_while_another_version_loads_is_replaced_at_once(endpoint: KeptEndpoint) -> None:
    first = endpoint.until(EndpointState.READY).workers[0]
    held = HeldUp(model_file(endpoint.workspace, 2))
    last = endpoint.begin(deployed=only(2))
    held.until_read()
    endpoint.kill(first.pid)
    assert endpoint.ask() == (2.0, "sums@1")
    held.release()
    assert endpoint.until_settled(last).generation == last
    assert endpoint.ask() == (3.0, "sums@2")


def test_an_idle_endpoint_is_woken_while_another_version_loads(endpoint: KeptEndpoint) -> None:
    endpoint.change(scaling=Scaling(idle_seconds=0.5))
    endpoint.until(EndpointState.IDLE, workers=0)
    held = HeldUp(model_file(endpoint.workspace, 2))
    endpoint.begin(deployed=only(2))
    held.until_read()
    assert endpoint.ask() == (2.0, "sums@1")
    held.release()


def test_stopping_does_not_wait_for_what_is_loading(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    held = HeldUp(model_file(endpoint.workspace, 2))
    endpoint.begin(deployed=only(2))
    held.until_read()
    stop_supervisor(endpoint.workspace, NAME)
    assert endpoint.status.state is EndpointState.DOWN
