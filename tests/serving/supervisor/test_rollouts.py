from __future__ import annotations

import http.client
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.bad_versions import save_failing, save_slow, save_unusable
from support.kept_endpoints import MODEL, NAME, KeptEndpoint, kept_endpoint, register, save, save_hanging, until

from mlmagic.api.rollout import plan_rollout
from mlmagic.serving.supervisor.launch import ensure_supervisor, stop_supervisor
from mlmagic.serving.supervisor.rollout_record import RolloutRecord, read_rollout, write_rollout
from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import DeployedVersion, EndpointState, EngineChoice, Limits, Scaling
from mlmagic.spec.rollout import RolloutState, RolloutStatus

ONE = (DeployedVersion(number=1),)
Save = Callable[[Path], None]
Told = Counter[tuple[str, int]]


@contextmanager
def rolled_out(
    root: Path, save_as: Save, *shares: int, hold_seconds: float = 0.5, limits: Limits | None = None
) -> Iterator[KeptEndpoint]:
    """An endpoint to which version 2 is rolled out."""
    with kept_endpoint(root, limits=limits) as endpoint:
        endpoint.until(EndpointState.READY)
        register(endpoint.workspace, 2, save_as=save_as)
        plan = plan_rollout(endpoint.spec, 2, shares, hold_seconds, engine=EngineChoice.AUTO)
        endpoint.change(deployed=plan.stages[0].deployed, rollout=plan)
        yield endpoint


@contextmanager
def asked(endpoint: KeptEndpoint, *, callers: int = 3, lowest: float = 0.0) -> Iterator[Told]:
    """Ask it without a pause; yields how many replies there were by version and status."""
    told: Told = Counter()
    is_over, lock = threading.Event(), threading.Lock()

    def ask(seed: int) -> None:
        numbers = np.random.default_rng(seed)
        connection = endpoint.connect()
        while not is_over.is_set():
            body = {"instances": numbers.uniform(lowest, 1000, 4).tolist()}
            try:
                status, headers, _ = endpoint.post(f"/v1/models/{MODEL}:predict", body, connection)
            except (OSError, http.client.HTTPException):
                status, headers = 0, http.client.HTTPMessage()
                connection.close()
            with lock:
                told[headers.get("x-mlmagic-version", ""), status] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def until_over(endpoint: KeptEndpoint) -> RolloutStatus:
    """Wait for the end of the roll-out, and for that to be served."""

    def found() -> RolloutStatus | None:
        status = endpoint.status
        rollout, spec = status.rollout, endpoint.spec
        is_over = rollout is not None and rollout.state is not RolloutState.RUNNING
        return rollout if is_over and spec.rollout is None and status.generation == spec.generation else None

    return until(found, seconds=180.0)


@pytest.mark.parametrize(
    ("save_as", "reason"),
    [
        (save_failing, r"requests to sums@2 failed"),
        (save_unusable, r"predictions of sums@2 are no finite numbers"),
        (save_slow, r"the p99 of sums@2 is"),
        (lambda path: save(path, 1e6), r"predictions of 'y' by sums@2 are far from those of sums@1"),
    ],
    ids=["fails", "unusable", "slow", "drifts"],
)
def test_a_bad_version_is_rolled_back_in_its_first_step(tmp_path: Path, save_as: Save, reason: str) -> None:
    with rolled_out(tmp_path, save_as, 25, 100, hold_seconds=600.0) as endpoint, asked(endpoint) as told:
        status = until_over(endpoint)
        assert (status.state, status.step) == (RolloutState.ROLLED_BACK, 0)
        assert status.reason is not None
        assert reason in status.reason
        assert endpoint.spec.deployed == ONE
        assert endpoint.ask() == (2.0, "sums@1")
    assert {status for (version, status) in told if version != "sums@2"} == {200}
    assert "ALERT: version 2 is rolled back to sums@1 100 %" in endpoint.folder.log.read_text()


@pytest.mark.slow
def test_a_version_that_never_comes_back_is_rolled_back_and_the_others_worker_stays(tmp_path: Path) -> None:
    with rolled_out(
        tmp_path, save_hanging, 50, 100, hold_seconds=600.0, limits=Limits(timeout_seconds=1.0)
    ) as endpoint:
        worker = endpoint.until(EndpointState.READY).workers[0].pid
        with asked(endpoint, lowest=-1000.0) as told:
            status = until_over(endpoint)
        assert status.state is RolloutState.ROLLED_BACK
        assert "requests to sums@2 failed" in str(status.reason)
        assert [found.pid for found in endpoint.status.workers] == [worker]
    assert {status for (version, status) in told if version != "sums@2"} == {200}


def test_a_version_whose_worker_dies_is_rolled_back(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 25, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        os.kill(endpoint.status.workers[0].pid, signal.SIGSEGV)
        status = until_over(endpoint)
        assert status.state is RolloutState.ROLLED_BACK
        assert status.reason == "a worker process was ended by SIGSEGV while it served sums@2"
        assert endpoint.ask() == (2.0, "sums@1")


def test_a_good_version_comes_to_get_all_requests_and_none_is_lost(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 20, 60, 100) as endpoint, asked(endpoint) as told:
        status = until_over(endpoint)
        assert (status.state, status.step, status.reason) == (RolloutState.COMPLETED, 2, None)
        assert {version.number: version.traffic for version in endpoint.spec.deployed} == {1: 0, 2: 100}
        assert endpoint.ask() == (2.0, "sums@2")
    assert set(told) == {("sums@1", 200), ("sums@2", 200)}


@pytest.mark.slow
def test_a_supervisor_goes_on_where_another_was_killed(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 20, 100, hold_seconds=3.0) as endpoint:
        with asked(endpoint) as told:
            until(lambda: (record := read_rollout(endpoint.folder)) and record.status.held_seconds > 1)
            endpoint.kill_supervisor()
            before = written(endpoint)
            after = until(lambda: (record := written(endpoint)) != before and record)
            assert (after.status.step, after.plan) == (0, before.plan)
            assert after.status.held_seconds >= before.status.held_seconds > 1
            assert after.candidate.requests >= before.candidate.requests > 0
            assert until_over(endpoint).state is RolloutState.COMPLETED
        assert set(told) == {("sums@1", 200), ("sums@2", 200)}


def written(endpoint: KeptEndpoint) -> RolloutRecord:
    record = read_rollout(endpoint.folder)
    assert record is not None
    return record


def started_with(endpoint: KeptEndpoint, record: RolloutRecord) -> RolloutStatus:
    """Start it anew with a record that a supervisor wrote right before it was killed."""
    stop_supervisor(endpoint.workspace, NAME)
    write_rollout(endpoint.folder, record)
    ensure_supervisor(endpoint.workspace, NAME)
    return endpoint.until(EndpointState.READY).rollout or record.status


def test_a_roll_back_that_was_cut_off_is_carried_out(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        record = written(endpoint).with_status(state=RolloutState.ROLLED_BACK, reason="it failed")
        started_with(endpoint, record)
        assert until_over(endpoint) == record.status
        assert endpoint.spec.deployed == ONE


def spoil(endpoint: KeptEndpoint, how: str) -> None:
    """Take away the files of version 2, or what is in them."""
    folder = endpoint.workspace.version(MODEL, 2)
    match how:
        case "deleted":
            shutil.rmtree(folder.root)
        case "broken":
            (folder.root / "model.onnx").write_bytes(b"no model")
        case _:
            folder.signature.write_text('{"inputs": 3}')


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("deleted", "sums@2 is not there any more"),
        ("broken", "it is not an ONNX model"),
        ("unreadable", "Signature.inputs"),
    ],
)
def test_a_version_that_cannot_be_loaded_at_the_next_start_is_rolled_back(
    tmp_path: Path, how: str, reason: str
) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        stop_supervisor(endpoint.workspace, NAME)
        spoil(endpoint, how)
        ensure_supervisor(endpoint.workspace, NAME)
        status = until_over(endpoint)
        assert (status.state, status.step) == (RolloutState.ROLLED_BACK, 0)
        assert reason in str(status.reason)
        assert endpoint.spec.deployed == ONE
        assert endpoint.ask() == (2.0, "sums@1")
        assert endpoint.until(EndpointState.READY).error is None
    assert "ALERT: version 2 is rolled back to sums@1 100 %: a worker" in endpoint.folder.log.read_text()


def test_a_supervisor_that_is_killed_in_a_roll_out_whose_version_is_gone_rolls_back_and_no_request_is_lost(
    tmp_path: Path,
) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        with asked(endpoint, callers=1) as told:
            spoil(endpoint, "deleted")
            endpoint.kill_supervisor()
            assert until_over(endpoint).state is RolloutState.ROLLED_BACK
            assert endpoint.ask() == (2.0, "sums@1")
    assert {status for _, status in told} == {200}


def test_a_version_that_cannot_be_loaded_when_workers_are_started_again_is_rolled_back(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        spoil(endpoint, "broken")
        endpoint.change(scaling=Scaling(min_replicas=2, max_replicas=2))
        status = until_over(endpoint)
        assert status.state is RolloutState.ROLLED_BACK
        assert "cannot be started with it" in str(status.reason)
        assert endpoint.until(EndpointState.READY, workers=2).error is None


def test_a_step_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 60, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        record = written(endpoint).with_status(held_seconds=599.0)
        endpoint.change(deployed=record.plan.stages[1].deployed)
        started_with(endpoint, record)
        status = until(lambda: (found := endpoint.status.rollout) and found.step == 1 and found)
        assert status.state is RolloutState.RUNNING
        assert status.held_seconds < 599.0


def test_a_step_without_requests_never_ends(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 100, hold_seconds=0.1) as endpoint:
        status = until(lambda: (found := endpoint.status.rollout) and found.held_seconds > 1.5 and found)
        assert (status.state, status.step, status.requests) == (RolloutState.RUNNING, 0, 0)


def test_who_splits_the_requests_himself_ends_the_roll_out(tmp_path: Path) -> None:
    with rolled_out(tmp_path, lambda path: save(path, 1), 50, 100, hold_seconds=600.0) as endpoint:
        until(lambda: endpoint.status.rollout)
        half = tuple(DeployedVersion(number=number, traffic=traffic) for number, traffic in ((1, 70), (2, 30)))
        endpoint.change(deployed=half, rollout=None)
        status = until_over(endpoint)
        assert (status.state, status.reason) == (
            RolloutState.ENDED,
            "somebody has changed it: sums@1 70 %, sums@2 30 %",
        )
        assert endpoint.spec.deployed == half


def read_metrics(endpoint: KeptEndpoint) -> str:
    connection = endpoint.connect()
    token = read_token(endpoint.workspace, NAME)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    text = reply.read().decode()
    connection.close()
    return text


def test_metrics_tell_of_all_versions(endpoint: KeptEndpoint) -> None:
    endpoint.deploy(1, 2)
    for _ in range(3):
        endpoint.ask()
    until(lambda: 'mlmagic_requests_total{version="sums@1"} 3' in read_metrics(endpoint))
    text = read_metrics(endpoint)
    assert 'mlmagic_latency_seconds_bucket{version="sums@1",le="+Inf"} 3' in text
    assert 'mlmagic_traffic_percent{version="sums@2"} 0' in text
    assert endpoint.post("/metrics", {})[0] == 405
