"""64 clients while versions are deployed, the split moves, workers and supervisors are killed."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from soak.serving_clients import Clients, Outcome
from support.kept_endpoints import MODEL, NAME, KeptEndpoint, kept_endpoint

from mlmagic.serving.supervisor.record import living_workers
from mlmagic.serving.supervisor.token import read_token
from mlmagic.spec.endpoint import DeployedVersion, EndpointState, Scaling

SECONDS = float(os.environ.get("MLMAGIC_SOAK_SECONDS", "60"))
VERSIONS = 5
KILL_SECONDS = 5.0
SUPERVISOR_KILL_SECONDS = 13.0
HOLD_SECONDS = 2.0
NOTICE_SECONDS = 3.0
"""After a kill, within which a client must have seen that its connection is lost."""


@dataclass
class Kill:
    """A worker that was killed, and the connections that it had."""

    time: float
    connections: int


@dataclass
class Storm:
    """What is done to one endpoint."""

    endpoint: KeptEndpoint
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)
    supervisors: int = 0
    splits: list[tuple[float, float, dict[int, int]]] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        next_kill, next_supervisor = time.monotonic() + KILL_SECONDS, time.monotonic() + SUPERVISOR_KILL_SECONDS / 2
        while time.monotonic() < end:
            traffic = self._move()
            start = time.monotonic()
            while time.monotonic() < start + HOLD_SECONDS:
                now = time.monotonic()
                if now >= next_kill:
                    next_kill = now + KILL_SECONDS
                    self._kill_worker()
                elif now >= next_supervisor:
                    next_supervisor = now + SUPERVISOR_KILL_SECONDS
                    self.endpoint.kill_supervisor()
                    self.supervisors += 1
                time.sleep(0.05)
            self.splits.append((start, time.monotonic(), traffic))

    def _move(self) -> dict[int, int]:
        """Deploy two versions, or only split the traffic anew between those that are."""
        deployed = [version.number for version in self.endpoint.spec.deployed]
        if len(deployed) != 2 or self.chance.random() < 0.5:
            deployed = self.chance.sample(range(1, VERSIONS + 1), 2)
        share = self.chance.choice([0, 10, 30, 50, 100])
        traffic = dict(zip(deployed, (share, 100 - share), strict=True))
        status = self.endpoint.change(
            deployed=tuple(DeployedVersion(number=number, traffic=percent) for number, percent in traffic.items())
        )
        assert not status.refused_generation, status.error
        return traffic

    def _kill_worker(self) -> None:
        workers = living_workers(self.endpoint.folder)
        if len(workers) < 2:
            return
        process = psutil.Process(self.chance.choice(workers).pid)
        # Stopped first, so that what is counted is what is lost.
        process.send_signal(signal.SIGSTOP)
        found = process.net_connections("tcp")
        process.kill()
        connections = sum(connection.status != psutil.CONN_LISTEN for connection in found)
        self.kills.append(Kill(time.monotonic(), connections))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_no_answer_is_wrong_and_none_is_lost_but_with_its_worker(tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    scaling = Scaling(min_replicas=2, max_replicas=3)
    with kept_endpoint(tmp_path, versions=VERSIONS, scaling=scaling) as endpoint:
        endpoint.until(EndpointState.READY, workers=2)
        token = read_token(endpoint.workspace, NAME)
        assert token is not None
        clients = Clients(port=endpoint.spec.port, token=token, path=f"/v1/models/{MODEL}:predict")
        storm = Storm(endpoint, random.Random(seed))  # noqa: S311 - no secret
        clients.start()
        try:
            storm.run(SECONDS)
        finally:
            clients.stop()
        outcomes = clients.outcomes
        told = Counter(outcome.status for outcome in outcomes)
        print(f"{len(outcomes)} requests: {dict(told)}; {len(storm.kills)} workers and {storm.supervisors} supervisors")
    check_answers(outcomes)
    check_losses([outcome for outcome in outcomes if outcome.status == 0], storm.kills)
    check_splits(outcomes, storm.splits)


def check_answers(outcomes: list[Outcome]) -> None:
    answered = [outcome for outcome in outcomes if outcome.status == 200]
    wrong = [
        outcome
        for outcome in answered
        if outcome.answer is None or abs(outcome.answer - outcome.value - int(outcome.version.partition("@")[2])) > 1e-5
    ]
    refused = [outcome for outcome in outcomes if outcome.status not in {0, 200}]
    assert len(answered) > SECONDS * 50
    assert not wrong
    assert {outcome.status for outcome in refused} <= {503}, refused[:3]
    assert all(outcome.retry_after for outcome in refused)


def check_losses(lost: list[Outcome], kills: list[Kill]) -> None:
    """Each belongs to a kill, and no kill has more than its worker had connections."""
    of_kill: Counter[int] = Counter()
    for outcome in lost:
        before = [
            index for index, kill in enumerate(kills) if kill.time - 0.1 <= outcome.end <= kill.time + NOTICE_SECONDS
        ]
        assert before, outcome
        of_kill[before[-1]] += 1
    assert all(count <= kills[index].connections for index, count in of_kill.items()), of_kill


def check_splits(outcomes: list[Outcome], splits: list[tuple[float, float, dict[int, int]]]) -> None:
    for start, end, traffic in splits:
        told = Counter(
            outcome.version
            for outcome in outcomes
            if outcome.status == 200 and start <= outcome.start and outcome.end <= end
        )
        total = sum(told.values())
        for number, percent in traffic.items():
            expected = total * percent / 100
            spread = math.sqrt(expected * (1 - percent / 100))
            assert abs(told[f"{MODEL}@{number}"] - expected) <= 5 * spread, (traffic, told)
        assert set(told) <= {f"{MODEL}@{number}" for number in traffic}
