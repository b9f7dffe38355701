"""Endpoints of this machine, in processes of their own."""

from __future__ import annotations

import dataclasses
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.deployed import deploying_session
from support.kept_endpoints import MODEL, SIGNATURE, register

from mlmagic.backends.endpoints import EndpointBackend
from mlmagic.errors import BackendError, ConflictError, MissingDependencyError, NotFoundError
from mlmagic.serving import endpoints as module
from mlmagic.serving.client import EndpointPredictor
from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.session import Session
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState, Limits

Start = Callable[..., EndpointRecord]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with deploying_session(tmp_path) as session:
        yield session


@pytest.fixture
def backend(session: Session) -> LocalEndpoints:
    return session.local_endpoints


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoints]:
    """Endpoints of a session, one of which serves version 1 in all tests here: it takes seconds to start."""
    with deploying_session(tmp_path_factory.mktemp("served")) as session:
        spec = new_spec("adder")
        session.endpoints.wait("adder", session.endpoints.create(spec).spec.generation, 60)
        yield session.local_endpoints


def new_spec(name: str, **fields: Any) -> EndpointSpec:
    now = datetime.now(UTC)
    known = {"model": MODEL, "deployed": (DeployedVersion(number=1),), "port": 0}
    return EndpointSpec(name=name, create_time=now, update_time=now, **{**known, **fields})


@pytest.fixture
def start(backend: LocalEndpoints) -> Start:
    """Make an endpoint, and wait until it serves."""

    def started(name: str = "adder", **fields: Any) -> EndpointRecord:
        return backend.wait(name, backend.create(new_spec(name, **fields)).spec.generation, 60)

    return started


def ask(backend: LocalEndpoints, value: float, name: str = "adder") -> tuple[float, str | None]:
    import numpy as np

    predictor = EndpointPredictor(backend.client(name), SIGNATURE)
    return predictor.predict({"x": np.array([value], dtype=np.float32)})["y"].tolist()[0], predictor.answered_by


def serving(number: int) -> Callable[[EndpointSpec], EndpointSpec]:
    return lambda spec: dataclasses.replace(spec, deployed=(DeployedVersion(number=number),))


def test_it_keeps_to_the_protocol(backend: LocalEndpoints) -> None:
    kept: EndpointBackend = backend
    assert kept.name == "local"
    assert kept.list() == []


def test_a_life(backend: LocalEndpoints, start: Start) -> None:
    record = start()
    port = record.spec.port
    assert (record.status.state, record.status.generation) == (EndpointState.READY, 1)
    assert ask(backend, 1.0) == (2.0, "sums@1")
    changed = backend.change("adder", serving(2))
    assert changed.spec.generation == 2
    assert backend.wait("adder", 2, 60).status.generation == 2
    assert ask(backend, 1.0) == (3.0, "sums@2")
    assert backend.stop("adder").status.state is EndpointState.DOWN
    assert backend.change("adder", serving(1)).status.state is EndpointState.DOWN
    # Asking starts it again, where it was, as it is told to be by now; it has another token.
    assert ask(backend, 1.0) == (2.0, "sums@1")
    assert backend.get("adder").spec.port == port
    backend.delete("adder")
    with pytest.raises(NotFoundError, match="there is no endpoint 'adder'"):
        backend.get("adder")


def test_what_is_there_is_not_made_again(served: LocalEndpoints) -> None:
    with pytest.raises(ConflictError, match="there is an endpoint 'adder' already"):
        served.create(new_spec("adder"))
    assert [record.spec.name for record in served.list()] == ["adder"]


def test_a_token_is_this_users_alone(served: LocalEndpoints) -> None:
    address, file = served.address("adder"), served.token_file("adder")
    assert file is not None
    assert file.read_text() == address.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert address.token not in repr(address)


def test_an_endpoint_without_a_token(backend: LocalEndpoints, start: Start) -> None:
    start(needs_token=False)
    assert backend.address("adder").token is None
    assert backend.token_file("adder") is None
    assert ask(backend, 1.0) == (2.0, "sums@1")


def test_what_listens_everywhere_is_asked_here(backend: LocalEndpoints, start: Start) -> None:
    record = start(host="0.0.0.0")  # noqa: S104 - that is what is tested
    assert backend.address("adder").url == f"http://127.0.0.1:{record.spec.port}"
    assert ask(backend, 1.0) == (2.0, "sums@1")


def test_a_version_that_cannot_be_loaded_is_refused(session: Session, backend: LocalEndpoints, start: Start) -> None:
    start()
    number = register(session.workspace, 0, is_broken=True).number
    generation = backend.change("adder", serving(number)).spec.generation
    status = backend.wait("adder", generation, 60).status
    assert status.refused_generation == generation
    assert status.error
    assert ask(backend, 1.0) == (2.0, "sums@1")


def test_an_endpoint_that_cannot_serve_is_not_asked(session: Session, backend: LocalEndpoints, start: Start) -> None:
    number = register(session.workspace, 0, is_broken=True).number
    record = start(deployed=(DeployedVersion(number=number),))
    assert record.status.state is EndpointState.FAILED
    with pytest.raises(BackendError, match="the endpoint 'adder' has failed: ") as caught:
        ask(backend, 1.0)
    assert caught.value.hint == "Its log: %endpoints logs adder"


def test_two_endpoints_have_two_ports(backend: LocalEndpoints, start: Start) -> None:
    first = start()
    backend.stop("adder")
    second = backend.create(new_spec("other"))
    assert first.spec.port != second.spec.port


def test_the_port_of_another_endpoint_is_not_given(backend: LocalEndpoints, start: Start) -> None:
    port = start().spec.port
    backend.stop("adder")
    told = f"the endpoint 'other' cannot listen on port {port} of 127.0.0.1: it is that of the endpoint 'adder'."
    with pytest.raises(BackendError) as caught:
        backend.create(new_spec("other", port=port))
    assert str(caught.value) == f"{told}\nChoose another port, or none: then it gets one that is free."


def test_a_port_that_is_taken_is_told_of(backend: LocalEndpoints) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BackendError, match=f"cannot listen on port {port} of 127.0.0.1: Address already in use"):
            backend.create(new_spec("adder", port=port))
    assert backend.list() == []


@pytest.mark.parametrize("port", [0, 31001])
def test_an_address_that_is_none_of_this_machine_is_told_of(backend: LocalEndpoints, port: int) -> None:
    with pytest.raises(BackendError, match=r"of 192\.0\.2\.7: Cannot assign requested address") as caught:
        backend.create(new_spec("adder", host="192.0.2.7", port=port))
    assert str(caught.value.hint).startswith("A host is an address of this machine: 127.0.0.1")
    assert backend.list() == []


def test_a_client_knows_the_limits_of_now(served: LocalEndpoints) -> None:
    client = served.client("adder")
    served.change("adder", lambda spec: dataclasses.replace(spec, limits=Limits(instances=7)))
    assert served.client("adder") is client
    assert client.limits.instances == 7


def test_waiting_ends_when_time_is_up(served: LocalEndpoints) -> None:
    wanted = served.get("adder").spec.generation + 1
    looked: list[EndpointRecord] = []
    record = served.wait("adder", wanted, 0, looked.append)
    assert record.status.generation < wanted
    assert looked == [record]


def test_logs(served: LocalEndpoints) -> None:
    assert "Traceback" not in served.logs("adder")
    with pytest.raises(NotFoundError):
        served.logs("other")


def test_what_is_not_installed_is_told_with_the_way_to_get_it(
    backend: LocalEndpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PACKAGES", ("json", "no_such_package"))
    with pytest.raises(MissingDependencyError) as caught:
        backend.create(new_spec("adder"))
    assert str(caught.value).split("\n") == [
        "an endpoint needs no_such_package, which is not installed here.",
        'Install them: %pip install "mlmagic[serve]"',
    ]
