from __future__ import annotations

import json
import threading
from pathlib import Path

import psutil
import pytest
from support.kept_endpoints import MODEL, NAME, KeptEndpoint, kept_endpoint, until

from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import EndpointState, Limits, Scaling


def test_an_endpoint_without_requests_has_no_worker_and_the_next_request_wakes_it(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, scaling=Scaling(idle_seconds=0.5)) as endpoint:
        assert endpoint.until(EndpointState.IDLE, workers=0).error is None
        assert endpoint.ask() == (2.0, "sums@1")
        endpoint.until(EndpointState.IDLE, workers=0)


def test_an_idle_endpoint_takes_another_split_without_a_worker(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, versions=2, scaling=Scaling(idle_seconds=0.5)) as endpoint:
        endpoint.deploy(1, 2)
        endpoint.until(EndpointState.IDLE)
        status = endpoint.deploy(2, 1)
        assert status.state is EndpointState.IDLE
        assert endpoint.ask() == (3.0, "sums@2")


def test_there_are_as_many_workers_as_are_wanted_at_least(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, scaling=Scaling(min_replicas=2, max_replicas=2)) as endpoint:
        endpoint.until(EndpointState.READY, workers=2)
        endpoint.change(scaling=Scaling(min_replicas=1, max_replicas=2, idle_seconds=0.5))
        endpoint.until(EndpointState.READY, workers=1)
        assert endpoint.ask() == (2.0, "sums@1")


def test_connections_are_spread_over_the_workers(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, scaling=Scaling(min_replicas=1, max_replicas=2)) as endpoint:
        endpoint.until(EndpointState.READY, workers=1)
        connections = [endpoint.connect() for _ in range(12)]
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.wait(0.01):
                for connection in connections:
                    endpoint.ask(1.0, connection)

        client = threading.Thread(target=ask)
        client.start()
        endpoint.change(scaling=Scaling(min_replicas=2, max_replicas=2))
        until(lambda: sorted(worker.connections for worker in endpoint.status.workers)[:1] > [2])
        is_over.set()
        client.join()
        for connection in connections:
            connection.close()


@pytest.mark.slow
def test_a_worker_that_is_busy_gets_another_beside_it(tmp_path: Path) -> None:
    """Half of its queue is full all the time, and most often its processor busy too."""
    scaling = Scaling(min_replicas=1, max_replicas=2)
    with kept_endpoint(tmp_path, scaling=scaling, limits=Limits(queue=8)) as endpoint:
        endpoint.until(EndpointState.READY, workers=1)
        is_over = threading.Event()
        body = json.dumps({"instances": [1.0] * 20_000}).encode()
        headers = {"Authorization": f"Bearer {read_token(endpoint.workspace, NAME)}"}

        def ask() -> None:
            connection = endpoint.connect()
            while not is_over.is_set():
                connection.request("POST", f"/v1/models/{MODEL}:predict", body, headers)
                with connection.getresponse() as reply:
                    reply.read()
                    statuses.add(reply.status)
            connection.close()

        statuses: set[int] = set()
        clients = [threading.Thread(target=ask) for _ in range(7)]
        for client in clients:
            client.start()
        try:
            endpoint.until(EndpointState.READY, workers=2)
        finally:
            is_over.set()
            for client in clients:
                client.join()
        assert statuses == {200}


@pytest.mark.slow
def test_the_memory_of_a_worker_does_not_grow_with_changes(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    process = psutil.Process(endpoint.status.workers[0].pid)
    sizes = []
    for _ in range(20):
        endpoint.deploy(1, 2)
        endpoint.deploy(1)
        sizes.append(process.memory_info().rss)
    assert [worker.pid for worker in endpoint.status.workers] == [process.pid]
    assert sizes[-1] - sizes[4] < 16 << 20, sizes
