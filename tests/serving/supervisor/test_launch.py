from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import psutil
import pytest
from support.kept_endpoints import NAME, KeptEndpoint, kept_endpoint, register, until

from mlmagic.errors import NotFoundError
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.serving.supervisor.launch import ensure_supervisor, read_endpoint, stop_supervisor, wake_supervisor
from mlmagic.serving.supervisor.record import read_supervisor
from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import EndpointState, Limits
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive


def test_the_first_request_waits_for_the_first_worker(endpoint: KeptEndpoint) -> None:
    assert endpoint.ask(2.0) == (3.0, "sums@1")
    status = endpoint.until(EndpointState.READY)
    assert [version.engine for version in status.versions] == ["onnx"]


def test_a_second_start_does_nothing(endpoint: KeptEndpoint) -> None:
    assert not ensure_supervisor(endpoint.workspace, NAME)


def test_what_was_stopped_is_down_and_has_no_token(endpoint: KeptEndpoint) -> None:
    endpoint.ask()
    stop_supervisor(endpoint.workspace, NAME)
    assert endpoint.status.state is EndpointState.DOWN
    assert read_token(endpoint.workspace, NAME) is None
    with pytest.raises(ConnectionRefusedError):
        endpoint.ask()


def test_a_start_after_a_stop_has_another_token(endpoint: KeptEndpoint) -> None:
    before = read_token(endpoint.workspace, NAME)
    stop_supervisor(endpoint.workspace, NAME)
    wake_supervisor(endpoint.workspace, NAME)
    assert endpoint.ask() == (2.0, "sums@1")
    assert read_token(endpoint.workspace, NAME) != before


def test_stopping_what_is_still_starting_leaves_nothing(endpoint: KeptEndpoint) -> None:
    stop_supervisor(endpoint.workspace, NAME)
    record = read_supervisor(endpoint.folder)
    assert record is not None
    assert not is_alive(record)


def test_an_endpoint_that_is_deleted_ends(endpoint: KeptEndpoint) -> None:
    endpoint.ask()
    record = read_supervisor(endpoint.folder)
    assert record is not None
    endpoint.store.delete(NAME)
    until(lambda: not any(is_alive(process) for process in (record, *record.workers)))
    assert not endpoint.folder.root.exists()
    assert read_token(endpoint.workspace, NAME) is None


def test_an_endpoint_that_nobody_started_is_down(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, is_started=False) as endpoint:
        assert endpoint.status.state is EndpointState.DOWN


def test_a_port_that_is_taken_is_told_and_used_once_it_is_free(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, is_started=False) as endpoint:
        with socket.create_server(("127.0.0.1", endpoint.spec.port)):
            ensure_supervisor(endpoint.workspace, NAME)
            endpoint.until(EndpointState.FAILED)
            status = endpoint.change(limits=Limits(instances=7))
        assert status.error == f"cannot listen on port {endpoint.spec.port} of 127.0.0.1: Address already in use"
        assert status.refused_generation == 2
        status = endpoint.until(EndpointState.READY)
        assert (status.error, status.generation, status.refused_generation) == (None, 2, 0)
        assert endpoint.ask() == (2.0, "sums@1")


def test_an_unknown_endpoint_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / ".mlmagic")
    for call in (ensure_supervisor, read_endpoint, wake_supervisor):
        with pytest.raises(NotFoundError, match="there is no endpoint 'adder'"):
            call(workspace, NAME)


def test_a_copied_workspace_is_not_served_by_the_processes_of_the_first(endpoint: KeptEndpoint, tmp_path: Path) -> None:
    endpoint.ask()
    copy = shutil.copytree(
        endpoint.workspace.root, tmp_path / "copy" / ".mlmagic", ignore=shutil.ignore_patterns("mlmagic.db*")
    )
    assert read_endpoint(Workspace(copy), NAME).status.state is EndpointState.DOWN


def test_a_supervisor_that_has_said_nothing_yet_is_starting(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, is_started=False) as endpoint:
        lock = take_lock(endpoint.folder.lock)
        assert lock is not None
        assert endpoint.status.state is EndpointState.STARTING
        endpoint.folder.lock.unlink()
        os.close(lock)


def test_a_start_tells_nothing_of_the_supervisor_before(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    register(endpoint.workspace, 3, is_broken=True)
    assert endpoint.deploy(3).refused_generation == 2
    # Killed before it has written back what it serves, the next one would try that again, and tell of it.
    endpoint.until_settled(3)
    # Stopped, it starts no worker any more. Its workers go first: one that outlived it would start another supervisor,
    # even one that was stopped, as the system wakes the stopped children of a process that ends.
    supervisor = psutil.Process(endpoint.supervisor)
    supervisor.suspend()
    until(lambda: supervisor.status() == psutil.STATUS_STOPPED)
    for process in (*supervisor.children(recursive=True), supervisor):
        process.kill()
    # Its threads may hold the lock for a moment after it counts as dead.
    until(lambda: ensure_supervisor(endpoint.workspace, NAME))
    told = [endpoint.status]
    until(lambda: told.append(endpoint.status) or told[-1].state is EndpointState.READY)
    assert told[0].state is EndpointState.STARTING
    assert {(status.refused_generation, status.error) for status in told} == {(0, None)}
