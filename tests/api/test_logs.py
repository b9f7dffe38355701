"""Logs of several replicas, searched and followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.api.job import Job
from mlmagic.api.log_colours import LogColours
from mlmagic.api.resources import read_resources
from mlmagic.backends.base import LogChunk, decode_chunk
from mlmagic.backends.memory import MemoryBackend
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.job import JobState, Replica, ReplicaRole
from mlmagic.testing.backends import FOREVER, submit, wait_for, wait_for_text

LOG = "epoch 1\nloss: 0.5\nepoch 2\nloss: 0.25\n"


class Cluster(MemoryBackend):
    """A memory backend whose jobs have workers, with the logs that a test gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.workers = ["one\n", "two\nthree"]

    def replicas(self, job_id: str) -> tuple[Replica, ...]:  # noqa: ARG002 - all jobs have the same
        now = datetime.now(UTC)
        roles = [(ReplicaRole.WORKER, 1), (ReplicaRole.WORKER, 0), (ReplicaRole.CHIEF, 0)]
        return tuple(Replica(role=role, index=index, pid=1, attempt=1, start_time=now) for role, index in roles)

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        if role == "chief":
            return super().logs(job_id, offset=offset)
        data = self.workers[index].encode()
        offset = max(0, len(data) + offset) if offset < 0 else offset
        return decode_chunk(data[offset : offset + 4], offset, is_complete=True)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def ended(cluster: Cluster) -> Job:
    record = submit(cluster, f"print({LOG!r}, end='')", name="taxi")
    wait_for(cluster, record.id)
    return Job(id=record.id, backend=cluster)


@pytest.fixture
def running(cluster: Cluster) -> Iterator[Job]:
    record = submit(cluster, FOREVER, name="taxi")
    wait_for_text(cluster, record.id, "begun")
    yield Job(id=record.id, backend=cluster)
    cluster.cancel(record.id)
    wait_for(cluster, record.id)


def test_a_regular_expression_chooses_lines(ended: Job) -> None:
    assert ended.logs(grep=r"loss: 0\.\d") == "loss: 0.5\nloss: 0.25\n"
    assert ended.logs(grep="loss", tail=1) == "loss: 0.25\n"
    assert ended.logs(grep="^nothing$") == ""
    assert "".join(ended.follow(grep="epoch")) == "epoch 1\nepoch 2\n"


def test_a_wrong_regular_expression_is_told(ended: Job) -> None:
    with pytest.raises(UsageError) as caught:
        ended.follow(grep="loss (")
    assert str(caught.value) == (
        "grep 'loss (' is no regular expression: missing ), unterminated subpattern at character 6.\n"
        "To find it as it stands: loss\\ \\("
    )


def test_lines_of_several_replicas_have_their_names(ended: Job) -> None:
    assert ended.logs(role="worker") == "worker-0 | one\nworker-1 | two\nworker-1 | three\n"
    assert ended.logs(role="all", tail=1) == "chief-0 | loss: 0.25\nworker-0 | one\nworker-1 | three\n"
    assert ended.logs(role="all", grep="^(one|epoch 2)$") == "chief-0 | epoch 2\nworker-0 | one\n"


def test_one_replica_is_told_by_its_name_or_its_index(ended: Job) -> None:
    assert ended.logs(role="worker-1") == ended.logs(role="worker", index=1) == "two\nthree"
    assert ended.logs(role="chief-0") == ended.logs(index=0) == LOG
    assert "".join(ended.follow(role="worker-1", tail=1)) == "three"


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("worker-7", "has no replica worker-7; it has chief-0, worker-0, worker-1."),
        ("ps", "has no replica ps; it has chief-0, worker-0, worker-1."),
        ("workr", "has no replica workr; it has chief-0, worker-0, worker-1. Did you mean worker?"),
        ("Worker 1", "has no replica Worker 1; it has chief-0, worker-0, worker-1. Did you mean worker-1?"),
    ],
)
def test_a_replica_that_is_not_there_is_told_with_those_that_are(ended: Job, role: str, message: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        ended.logs(role=role)
    assert str(caught.value) == f"job {ended.id} {message}"


def test_an_index_is_said_once(ended: Job) -> None:
    with pytest.raises(UsageError, match=r"role 'worker-1' has an index already; index 0 says it again."):
        ended.logs(role="worker-1", index=0)


def test_lines_of_replicas_come_as_they_are_printed(cluster: Cluster, running: Job) -> None:
    lines = running.follow(role="all")
    assert [next(lines) for _ in range(3)] == ["chief-0 | begun\n", "worker-0 | one\n", "worker-1 | two\n"]
    cluster.workers[0] += "four\n"
    assert next(lines) == "worker-0 | four\n"
    running.cancel()
    # The line that nothing ended comes at the end.
    assert list(lines) == ["worker-1 | three\n"]
    assert running.state is JobState.CANCELLED


def test_following_begins_near_the_end(running: Job) -> None:
    lines = running.follow(tail=5)
    assert next(lines) == "begun\n"
    running.cancel()
    assert list(lines) == []


def test_lines_are_coloured_by_how_grave_they_are() -> None:
    colours = LogColours()
    assert colours("plain\nWARNING:root:careful\n") == "plain\n\x1b[33mWARNING:root:careful\x1b[0m\n"
    assert colours("chief-0 | ERROR: no\nhal") == "\x1b[31mchief-0 | ERROR: no\x1b[0m\nhal"
    # A piece of a line was shown already, and a program's own colours stay.
    assert colours("f ERROR\n\x1b[1mERROR: no\x1b[0m\n") == "f ERROR\n\x1b[1mERROR: no\x1b[0m\n"


def test_tracebacks_of_replicas_are_told_apart() -> None:
    colours = LogColours()
    traceback = ["Traceback (most recent call last):", "  File 'x'", "ValueError: 1"]
    lines = [f"worker-0 | {line}\nworker-1 | fine\n" for line in traceback]
    shown = colours("".join(lines)).splitlines()
    assert [line.startswith("\x1b[31m") for line in shown] == [True, False] * 3


def test_the_logs_of_a_cluster_are_followed(tmp_path: Path) -> None:
    session = Session(environ={"MLMAGIC_HOME": str(tmp_path / ".mlmagic")}, start=tmp_path)
    program = "import json, os\nprint(json.loads(os.environ['TF_CONFIG'])['task']['type'])\n"
    record = submit(session.backend(), program, name="taxi", resources=read_resources(replicas="worker=2"), fresh=True)
    job = Job(id=record.id, backend=session.backend())
    lines = {line for text in job.follow(role="all", grep="^(chief|worker)$") for line in text.splitlines()}
    assert lines == {"chief-0 | chief", "worker-0 | worker", "worker-1 | worker"}
    assert job.logs(role="worker-1", tail=1) == "worker\n"
