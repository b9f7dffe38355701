"""The request log of an endpoint: whatever way a request takes, and whoever is killed."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.deployed import deploying_session
from support.kept_endpoints import MODEL
from support.served_models import served

from mlmagic.api.deployment import deploy
from mlmagic.serving.request_log.instances import instances_of
from mlmagic.serving.request_log.log import RequestLog
from mlmagic.serving.request_log.reading import read_parts
from mlmagic.session import Session
from mlmagic.spec.request_log import RequestLogging

PATIENCE_SECONDS = 60.0


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with deploying_session(tmp_path) as session:
        yield session


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _sampled(session: Session) -> int:
    log = session.endpoints.get(MODEL).status.log
    return 0 if log is None else log.sampled


def _values(session: Session) -> list[float]:
    parts = read_parts(session.workspace.endpoint(MODEL).requests)
    found = [each for part in parts for each in instances_of(part.table, only_input="x")]
    return [value for each in found for value in each.inputs["x"].to_pylist()]


def _ask(session: Session, number: float) -> None:
    client = session.local_endpoints.client(MODEL)
    client.predict(b'{"instances": [{"x": %f}]}' % number)
    client.close()


def _workers(session: Session) -> list[int]:
    return [worker.pid for worker in session.endpoints.get(MODEL).status.workers if worker.state == "ready"]


def test_what_is_sampled_outlives_the_worker_that_is_killed(session: Session) -> None:
    deploy(MODEL, min_replicas=1, log_sample=1, log_key="x", session=session)
    for number in range(10):
        _ask(session, float(number))
    _wait(lambda: _sampled(session) == 10)
    (before,) = _workers(session)
    os.kill(before, signal.SIGKILL)
    assert sorted(_values(session)) == [float(number) for number in range(10)]
    _wait(lambda: _workers(session) not in ([], [before]))
    _ask(session, 10.0)
    _wait(lambda: _sampled(session) == 11)
    assert len(_values(session)) == 11


def test_a_log_begins_changes_and_ends_without_another_worker(session: Session) -> None:
    deploy(MODEL, min_replicas=1, session=session)
    workers = _workers(session)
    _ask(session, 1.0)
    deploy(MODEL, log_sample=1, session=session)
    _ask(session, 2.0)
    deploy(MODEL, log_sample=0, session=session)
    _ask(session, 3.0)
    _wait(lambda: _values(session) == [2.0])
    assert session.endpoints.get(MODEL).spec.log is None
    assert _workers(session) == workers
    assert stat.S_IMODE(session.workspace.endpoint(MODEL).requests.stat().st_mode) == 0o700


def test_requests_of_all_ways_are_logged_and_failed_ones_are_not(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log", RequestLogging(sampling_rate=1.0), endpoint="rides", model="taxi")
    with served() as endpoint:
        endpoint.do(lambda: setattr(endpoint.deployed, "log", log))
        for count in (1, 1, 3000):
            body = {"instances": [{"age": 1.0, "rooms": 2, "city": "rome"}] * count}
            assert endpoint.client.post("/v1/models/taxi:predict", json=body).status_code == 200
        assert endpoint.client.post("/v1/models/taxi:predict", json={"instances": [{"age": "x"}]}).status_code == 400
    log.close()
    (part,) = read_parts(tmp_path / "log")
    (found,) = instances_of(part.table)
    assert log.status.sampled == 3
    assert found.inputs["city"].to_pylist() == ["rome"] * 3002
    assert found.predictions["prediction"].to_pylist() == [1003.0] * 3002
