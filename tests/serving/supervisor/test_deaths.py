from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from support.kept_endpoints import MODEL, NAME, KeptEndpoint, kept_endpoint, register, until

from mlmagic.serving.supervisor.launch import ensure_supervisor, stop_supervisor
from mlmagic.serving.supervisor.record import read_supervisor
from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import EndpointState, Limits, Scaling
from mlmagic.workspace.processes import is_alive


def test_a_worker_that_is_killed_is_replaced_and_its_counts_are_kept(endpoint: KeptEndpoint) -> None:
    endpoint.ask()
    worker = until(lambda: (s := endpoint.status).versions[0].requests == 1 and s.workers)[0]
    os.kill(worker.pid, signal.SIGKILL)
    assert endpoint.ask() == (2.0, "sums@1")
    assert until(lambda: endpoint.status.versions[0].requests == 2)
    assert [found.pid for found in endpoint.status.workers] != [worker.pid]


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_and_replaced(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, limits=Limits(timeout_seconds=1.0)) as endpoint:
        endpoint.ask()
        worker = endpoint.status.workers[0]
        os.kill(worker.pid, signal.SIGSTOP)
        until(lambda: [found.pid for found in endpoint.status.workers] not in ([worker.pid], []), seconds=90.0)
        assert endpoint.ask() == (2.0, "sums@1")


@pytest.mark.slow
def test_a_worker_whose_model_never_comes_back_is_ended_and_replaced(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, limits=Limits(timeout_seconds=1.0)) as endpoint:
        hanging = register(endpoint.workspace, 2, hangs=True)
        endpoint.deploy(hanging.number)
        worker = endpoint.status.workers[0]
        code, _, body = endpoint.post(f"/v1/models/{MODEL}:predict", {"instances": [-1.0]})
        assert (code, body["error"]) == (503, "sums@2 gave no answer within 1 s.")
        until(lambda: [found.pid for found in endpoint.status.workers] not in ([worker.pid], []), seconds=90.0)
        assert endpoint.ask() == (1.0, "sums@2")


def test_a_supervisor_that_is_killed_is_replaced_and_no_connection_is_lost(endpoint: KeptEndpoint) -> None:
    connection = endpoint.connect()
    assert endpoint.ask(1.0, connection) == (2.0, "sums@1")
    token, worker = read_token(endpoint.workspace, NAME), endpoint.status.workers[0].pid
    first = endpoint.kill_supervisor()
    assert endpoint.ask(5.0, connection) == (6.0, "sums@1")
    until(lambda: endpoint.supervisor != first)
    until(lambda: (pids := [found.pid for found in endpoint.status.workers]) and worker not in pids)
    endpoint.until(EndpointState.READY)
    assert endpoint.ask(3.0) == (4.0, "sums@1")
    assert read_token(endpoint.workspace, NAME) == token
    connection.close()


def test_requests_go_on_while_supervisors_are_killed(endpoint: KeptEndpoint) -> None:
    endpoint.ask()
    failures, is_over = [], threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                assert endpoint.ask(1.0) == (2.0, "sums@1")
            except Exception as error:  # noqa: BLE001 - all of them are told
                failures.append(error)

    client = threading.Thread(target=ask)
    client.start()
    for _ in range(2):
        first = endpoint.kill_supervisor()
        until(lambda: endpoint.supervisor != first)  # noqa: B023 - called at once
        endpoint.until(EndpointState.READY)
    is_over.set()
    client.join()
    assert not failures


def test_a_supervisor_that_somebody_else_starts_gets_the_socket_of_the_workers(endpoint: KeptEndpoint) -> None:
    endpoint.ask()
    record = read_supervisor(endpoint.folder)
    assert record is not None
    # Stopped, they cannot start one themselves.
    for worker in record.workers:
        os.kill(worker.pid, signal.SIGSTOP)
    endpoint.kill_supervisor()
    until(lambda: not is_alive(record))
    # The lock is free when the last of its threads has ended, a moment after it.
    until(lambda: ensure_supervisor(endpoint.workspace, NAME))
    until(lambda: endpoint.supervisor != record.pid)
    for worker in record.workers:
        os.kill(worker.pid, signal.SIGCONT)
    until(lambda: not any(is_alive(worker) for worker in record.workers))
    assert endpoint.ask() == (2.0, "sums@1")


def test_workers_without_a_supervisor_can_be_stopped(endpoint: KeptEndpoint) -> None:
    endpoint.ask()
    record = read_supervisor(endpoint.folder)
    assert record is not None
    endpoint.kill_supervisor()
    stop_supervisor(endpoint.workspace, NAME)
    assert not any(is_alive(process) for process in (record, *record.workers))
    assert endpoint.status.state is EndpointState.DOWN


def test_a_worker_that_is_told_to_end_answers_first(endpoint: KeptEndpoint) -> None:
    connection = endpoint.connect()
    endpoint.ask(1.0, connection)
    pid = endpoint.status.workers[0].pid
    os.kill(pid, signal.SIGTERM)
    until(lambda: [worker.state for worker in endpoint.status.workers if worker.pid == pid] != ["ready"])
    assert endpoint.ask(2.0) == (3.0, "sums@1")
    assert endpoint.ask(1.0, connection) == (2.0, "sums@1")
    connection.close()


def test_a_version_whose_file_is_gone_is_refused(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, versions=2, scaling=Scaling(min_replicas=1)) as endpoint:
        endpoint.until(EndpointState.READY)
        model = endpoint.workspace.version("sums", 2).root / "model.onnx"
        model.unlink()
        status = endpoint.deploy(2)
        assert status.refused_generation == 2
        assert endpoint.ask() == (2.0, "sums@1")
