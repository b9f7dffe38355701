"""Shadow traffic: a version is compared with the one that is served, and nothing that it does reaches a client."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.bad_versions import save_failing, save_unusable
from support.kept_endpoints import NAME, KeptEndpoint, kept_endpoint, register, save, save_hanging, until

from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import EndpointState, Limits, Shadow
from mlmagic.spec.shadow import ShadowState, ShadowStatus

Save = Callable[[Path], None]
REQUESTS = 40


@contextmanager
def shadowed(root: Path, save_as: Save, *, share: float = 1.0, limits: Limits | None = None) -> Iterator[KeptEndpoint]:
    """An endpoint whose version 1 has version 2 for a shadow."""
    with kept_endpoint(root, limits=limits) as endpoint:
        endpoint.until(EndpointState.READY)
        register(endpoint.workspace, 2, save_as=save_as)
        begin(endpoint, share=share)
        yield endpoint


def begin(endpoint: KeptEndpoint, *, version: int = 2, share: float = 1.0) -> None:
    endpoint.change(shadow=Shadow(version=version, share=share, create_time=datetime.now(UTC)))


def seen(endpoint: KeptEndpoint, is_enough: Callable[[ShadowStatus], Any] = bool) -> ShadowStatus:
    """Wait for what is told of the shadow."""
    found: ShadowStatus = until(lambda: (status := endpoint.status.shadow) and is_enough(status) and status)
    return found


def running(endpoint: KeptEndpoint) -> ShadowStatus:
    return seen(endpoint, lambda status: status.state is ShadowState.RUNNING)


def ask(endpoint: KeptEndpoint, first: float = 0.0) -> None:
    """Ask as many times as there are requests; all answers are those of the version that is served."""
    connection = endpoint.connect()
    answers = [endpoint.ask(first + number, connection) for number in range(REQUESTS)]
    connection.close()
    assert answers == [(first + number + 1, "sums@1") for number in range(REQUESTS)]


def metrics(endpoint: KeptEndpoint) -> str:
    connection = endpoint.connect()
    token = read_token(endpoint.workspace, NAME)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
    page = connection.getresponse().read().decode()
    connection.close()
    return page


def done(status: ShadowStatus) -> int:
    return status.counts.compared + status.counts.failed + status.dropped


def process_of(endpoint: KeptEndpoint) -> int:
    """Return the process of the shadow, which is a child of the supervisor's and none of its workers."""
    children = Path(f"/proc/{endpoint.supervisor}/task/{endpoint.supervisor}/children").read_text().split()
    (found,) = set(map(int, children)) - {worker.pid for worker in endpoint.status.workers}
    return found


def test_answers_are_compared_and_never_returned(tmp_path: Path) -> None:
    with shadowed(tmp_path, lambda path: save(path, 3), limits=Limits(queue=1)) as endpoint:
        running(endpoint)
        ask(endpoint)
        status = seen(endpoint, lambda status: status.counts.compared == REQUESTS)
        answers = status.counts.outputs["y"]
        assert (answers.numbers, answers.mean_difference, answers.largest) == (REQUESTS, 2.0, 2.0)
        assert (status.dropped, status.counts.failed, status.counts.unusable) == (0, 0, 0)
        assert status.latency_ms.keys() == status.served_latency_ms.keys() == {"p50", "p99"}
        page = until(lambda: (text := metrics(endpoint)) and 'result="compared"} 40' in text and text)
        assert 'mlmagic_shadow_difference_total{version="sums@2",output="y"} 80' in page


def test_a_shadow_that_fails_or_returns_no_numbers_is_told_of_and_changes_no_answer(tmp_path: Path) -> None:
    with shadowed(tmp_path, save_failing) as endpoint:
        running(endpoint)
        ask(endpoint)
        assert seen(endpoint, lambda status: done(status) == REQUESTS).counts.failed == REQUESTS
        register(endpoint.workspace, 3, save_as=save_unusable)
        begin(endpoint, version=3)
        seen(endpoint, lambda status: status.version == 3 and status.state is ShadowState.RUNNING)
        ask(endpoint)
        status = seen(endpoint, lambda status: done(status) == REQUESTS)
        assert (status.counts.compared, status.counts.unusable) == (REQUESTS, REQUESTS)


def test_a_shadow_that_is_killed_or_hangs_costs_no_request_and_comes_back(tmp_path: Path) -> None:
    with shadowed(tmp_path, lambda path: save(path, 1)) as endpoint:
        running(endpoint)
        workers = endpoint.status.workers
        pid = process_of(endpoint)
        os.kill(pid, signal.SIGSTOP)
        ask(endpoint)
        os.kill(pid, signal.SIGKILL)
        status = seen(endpoint, lambda status: status.dropped == REQUESTS)
        assert status.counts.compared == 0
        running(endpoint)
        ask(endpoint)
        status = seen(endpoint, lambda status: done(status) == 2 * REQUESTS)
        assert (status.counts.compared, status.counts.outputs["y"].largest) == (REQUESTS, 0.0)
        assert [worker.pid for worker in endpoint.status.workers] == [worker.pid for worker in workers]


@pytest.mark.slow
def test_a_model_that_never_comes_back_fills_the_queue_and_no_more(tmp_path: Path) -> None:
    with shadowed(tmp_path, save_hanging, limits=Limits(timeout_seconds=1.0)) as endpoint:
        running(endpoint)
        for _ in range(30):
            ask(endpoint, first=-1000.0)
        status = seen(endpoint, lambda status: status.dropped)
        assert status.counts.compared == 0
        assert endpoint.until(EndpointState.READY).versions[0].errors == 0


def test_a_shadow_that_cannot_be_loaded_is_told_of(tmp_path: Path) -> None:
    with shadowed(tmp_path, lambda path: path.write_bytes(b"no model")) as endpoint:
        status = seen(endpoint, lambda status: status.state is ShadowState.FAILED)
        assert "sums@2" not in str(status.error)
        ask(endpoint)
        assert endpoint.status.error is None


@pytest.mark.slow
def test_another_supervisor_goes_on_with_the_shadow_and_a_share_is_drawn(tmp_path: Path) -> None:
    with shadowed(tmp_path, lambda path: save(path, 2), share=0.5) as endpoint:
        running(endpoint)
        ask(endpoint)
        counted = seen(endpoint, lambda status: status.counts.compared).counts.compared
        assert counted < REQUESTS
        until(lambda: '"compared"' in endpoint.folder.shadow.read_text())
        before = endpoint.status
        endpoint.kill_supervisor()
        until(lambda: endpoint.status.start_time > before.start_time)
        status = running(endpoint)
        assert before.shadow is not None
        assert status.since == before.shadow.since
        ask(endpoint)
        assert seen(endpoint, lambda status: status.counts.compared > counted).counts.outputs["y"].largest == 1.0
        endpoint.change(shadow=None)
        until(lambda: endpoint.status.shadow is None and not endpoint.folder.shadow.exists())
