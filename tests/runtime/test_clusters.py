"""Clusters of plain programs that speak to each other over the sockets that TF_CONFIG names."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.disks import small_disk
from support.queued import Jobs, is_running

from mlmagic.runtime import attempt
from mlmagic.runtime.replicas import read_replicas
from mlmagic.spec.job import JobRecord, JobState, Placement
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import JobFolder, Workspace

Supervise = Callable[..., JobRecord]

MEMBER = """
import json, os, signal, socket, sys, time
from pathlib import Path
config = json.loads(os.environ["TF_CONFIG"])
role, index = config["task"]["type"], config["task"]["index"]
root = Path(os.environ["AIP_CHECKPOINT_DIR"])
def address(role, index):
    host, port = config["cluster"][role][index].rsplit(":", 1)
    return host, int(port)
def call(role, index):
    while True:
        try:
            return socket.create_connection(address(role, index))
        except OSError:
            time.sleep(0.01)
def wait_for(name):
    while not (root / name).exists():
        time.sleep(0.01)
"""


def make(jobs: Jobs, source: str, replicas: dict[str, int], **fields: object) -> JobFolder:
    return jobs.make(MEMBER + source, placement=Placement(replicas=replicas), **fields)


GREET = """
if role == "chief":
    listener = socket.create_server(address(role, index))
    for _ in config["cluster"]["worker"]:
        peer = listener.accept()[0]
        print("hello", peer.makefile().readline().strip())
        peer.close()
elif role == "worker":
    call("chief", 0).sendall(f"{role} {index}\\n".encode())
print(os.environ["CLUSTER_SPEC"])
"""


def test_replicas_find_each_other(jobs: Jobs, supervise: Supervise) -> None:
    folder = make(jobs, GREET, {"chief": 1, "worker": 2})
    assert supervise(folder).state is JobState.SUCCEEDED
    lines = folder.log().read_text().splitlines()
    assert lines[0] == "mlmagic: cluster of chief, 2 workers"
    assert sorted(lines[1:3]) == ["hello worker 0", "hello worker 1"]
    spec = json.loads(folder.log("worker", 1).read_text())
    assert spec["task"] == {"type": "workerpool1", "index": 1, "trial": ""}
    assert spec["cluster"].keys() == {"workerpool0", "workerpool1"}
    ended = read_replicas(folder).replicas
    assert [(one.name, one.exit_code, one.restarts) for one in ended] == [
        ("chief-0", 0, 0),
        ("worker-0", 0, 0),
        ("worker-1", 0, 0),
    ]


def test_servers_end_with_the_chief(jobs: Jobs, supervise: Supervise) -> None:
    folder = make(jobs, "if role != 'chief': time.sleep(600)\n", {"chief": 1, "worker": 1, "ps": 1})
    assert supervise(folder).state is JobState.SUCCEEDED
    assert [one.exit_code for one in read_replicas(folder).replicas] == [0, -signal.SIGTERM, -signal.SIGTERM]


def test_workers_and_evaluators_may_finish(jobs: Jobs, supervise: Supervise) -> None:
    source = "if role == 'chief':\n    (root / 'done').touch()\nelse:\n    wait_for('done')\n    time.sleep(0.3)\n"
    folder = make(jobs, source + "    sys.exit(index)\n", {"chief": 1, "worker": 2, "evaluator": 1})
    assert supervise(folder).state is JobState.SUCCEEDED
    assert [one.exit_code for one in read_replicas(folder).replicas] == [0, 0, 1, 0]
    assert folder.log().read_text().endswith("mlmagic: worker-1 ended with exit status 1, but the chief succeeded\n")


def test_who_does_not_end_is_ended(jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "LINGER_SECONDS", 0.2)
    folder = make(jobs, "if role != 'chief': time.sleep(600)\n", {"chief": 1, "worker": 1})
    assert supervise(folder).state is JobState.SUCCEEDED
    assert [one.exit_code for one in read_replicas(folder).replicas] == [0, -signal.SIGTERM]


def test_a_worker_that_fails_is_named(jobs: Jobs, supervise: Supervise) -> None:
    source = "if (role, index) == ('worker', 1): raise ValueError('bad fare')\ntime.sleep(600)\n"
    folder = make(jobs, source, {"chief": 1, "worker": 2})
    record = supervise(folder)
    assert (record.state, record.exit_code) == (JobState.FAILED, 1)
    assert record.error is not None
    assert record.error.message == "worker-1 failed: ValueError: bad fare"
    assert (record.error.traceback or "").endswith("ValueError: bad fare")
    assert (
        folder.log()
        .read_text()
        .endswith("ValueError: bad fare\nmlmagic: failed: worker-1 failed: ValueError: bad fare\n")
    )
    assert not any(is_running(one.pid) for one in read_replicas(folder).replicas)


SLOW_DEATH = """
if role == "worker":
    listener = socket.create_server(address(role, index))
    peer = listener.accept()[0]
    try:
        raise ValueError("bad fare")
    finally:
        peer.close()
        import atexit
        atexit.register(wait_for, "chief-failed")
peer = call("worker", 0)
import atexit
atexit.register((root / "chief-failed").touch)
if not peer.recv(1):
    raise ConnectionResetError("the worker is gone")
"""


def test_the_first_to_fail_is_to_blame_even_if_it_ends_last(jobs: Jobs, supervise: Supervise) -> None:
    record = supervise(make(jobs, SLOW_DEATH, {"chief": 1, "worker": 1}))
    assert record.error is not None
    assert record.error.message == "worker-0 failed: ValueError: bad fare"


def test_a_lost_peer_that_nobody_explains(jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "SYMPTOM_SECONDS", 0.1)
    source = "if role == 'chief': raise ConnectionResetError('gone')\ntime.sleep(600)\n"
    record = supervise(make(jobs, source, {"chief": 1, "worker": 1}))
    assert record.error is not None
    assert record.error.message == "chief-0 failed: ConnectionResetError: gone"


@pytest.mark.parametrize("victim", ["chief", "worker", "ps"])
def test_killed_without_retries(jobs: Jobs, supervise: Supervise, victim: str) -> None:
    source = f"if role == {victim!r}: os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(600)\n"
    record = supervise(make(jobs, source, {"chief": 1, "worker": 1, "ps": 1}))
    assert (record.state, record.exit_code) == (JobState.FAILED, -signal.SIGKILL)
    assert record.error is not None
    assert record.error.message == f"{victim}-0 was ended by SIGKILL"


DIES_ONCE = """
first = root / f"{role}-{index}"
if role == VICTIM and not first.exists():
    first.touch()
    os.kill(os.getpid(), signal.SIGKILL)
if role == VICTIM:
    (root / "again").touch()
if role == "chief":
    wait_for("again")
else:
    time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["worker", "evaluator"])
def test_one_that_can_be_replaced_is_started_again_alone(
    jobs: Jobs, supervise: Supervise, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    monkeypatch.setattr(attempt, "LINGER_SECONDS", 0.0)
    source = DIES_ONCE.replace("VICTIM", repr(victim))
    folder = make(jobs, source, {"chief": 1, "worker": 1, "ps": 1, "evaluator": 1}, max_retries=1)
    record = supervise(folder)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)
    assert [one.name for one in read_replicas(folder).replicas if one.restarts] == [f"{victim}-0"]
    assert (
        f"mlmagic: {victim}-0 was ended by SIGKILL; it was started again, 0 retries left\n" in folder.log().read_text()
    )


def test_a_restart_uses_up_a_retry(jobs: Jobs, supervise: Supervise) -> None:
    source = "if role == 'worker': sys.exit(3)\ntime.sleep(600)\n"
    record = supervise(make(jobs, source, {"chief": 1, "worker": 1, "ps": 1}, max_retries=2))
    assert (record.state, record.attempt, record.exit_code) == (JobState.FAILED, 1, 3)
    assert record.error is not None
    assert record.error.message == "worker-0 ended with exit status 3"


def test_without_ps_the_whole_cluster_is_tried_again(jobs: Jobs, supervise: Supervise) -> None:
    source = DIES_ONCE.replace("VICTIM", "'worker'")
    folder = make(jobs, source, {"chief": 1, "worker": 1}, max_retries=1)
    record = supervise(folder)
    assert (record.state, record.attempt) == (JobState.QUEUED, 1)
    assert record.message == "attempt 1 failed: worker-0 was ended by SIGKILL; 1 retry left"


def test_a_timeout_ends_all(jobs: Jobs, supervise: Supervise) -> None:
    folder = make(jobs, "time.sleep(600)\n", {"chief": 1, "worker": 1}, timeout_seconds=0.3, max_retries=1)
    record = supervise(folder)
    assert record.message == "the program ran longer than its timeout of 0.3 s"
    assert [one.exit_code for one in read_replicas(folder).replicas] == [-signal.SIGTERM] * 2


def test_a_cancel_while_workers_finish(jobs: Jobs, supervise: Supervise) -> None:
    source = "if role == 'chief':\n    (root / 'done').touch()\nelse:\n    wait_for('done')\n    time.sleep(0.3)\n"
    source += "    os.kill(os.getppid(), signal.SIGTERM)\n    time.sleep(600)\n"
    folder = make(jobs, source, {"chief": 1, "worker": 1})
    record = supervise(folder)
    assert (record.state, record.exit_code) == (JobState.CANCELLED, 0)


def test_a_replica_that_cannot_be_started(jobs: Jobs, supervise: Supervise) -> None:
    folder = make(jobs, "time.sleep(600)\n", {"chief": 1, "worker": 1}, max_retries=1)
    folder.log("worker").mkdir()
    record = supervise(folder)
    assert record.state is JobState.FAILED
    assert (record.message or "").startswith("the program could not be started")
    assert [one.exit_code for one in read_replicas(folder).replicas] == [-signal.SIGTERM]


def test_one_that_cannot_be_started_again(jobs: Jobs, supervise: Supervise) -> None:
    source = "log = root.parents[1] / 'logs' / f'{role}-{index}.log'\n"
    source += "if role == 'worker':\n    log.unlink()\n    log.mkdir()\n    sys.exit(3)\ntime.sleep(600)\n"
    folder = make(jobs, source, {"chief": 1, "worker": 1, "ps": 1}, max_retries=1)
    record = supervise(folder)
    assert record.message == "attempt 1 failed: worker-0 ended with exit status 3; 1 retry left"


FILL = """
if role == "worker":
    with open(root / "big", "wb", 0) as file:
        while True:
            file.write(bytes(1000))
time.sleep(600)
"""


def test_a_worker_that_fills_the_disk(tmp_path: Path, supervise: Supervise) -> None:
    with small_disk(tmp_path / "disk") as disk:
        jobs = Jobs(open_workspace(Workspace(disk / ".mlmagic")))
        record = supervise(make(jobs, FILL, {"chief": 1, "worker": 1}, max_retries=3))
        assert record.state is JobState.FAILED
        assert (record.message or "").startswith("worker-0 failed: the disk is full: ")
