"""Supervisors as processes of their own, which take in and end whatever a job started."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.queued import Jobs, is_running

from mlmagic.runtime.members import end_members
from mlmagic.runtime.replicas import read_replicas
from mlmagic.spec import codec
from mlmagic.spec.job import ExitRecord, JobState, Placement
from mlmagic.workspace.layout import JobFolder

SUPERVISE = """
import os, sys
from pathlib import Path
from mlmagic.runtime.program import ColdLauncher
from mlmagic.runtime.supervisor import Supervisor
from mlmagic.runtime.watch import Watch
from mlmagic.workspace.layout import JobFolder
with Watch() as watch:
    Supervisor(JobFolder(Path(sys.argv[1])), watch, launcher=ColdLauncher(), environment=os.environ, grace=1.0).run()
"""
Start = Callable[[JobFolder], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(folder: JobFolder) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", SUPERVISE, str(folder.root)]
        started.append(subprocess.Popen(command, start_new_session=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def cancel(jobs: Jobs, folder: JobFolder, supervisor: subprocess.Popen[bytes]) -> None:
    now = datetime.now(UTC)
    jobs.store.advance(folder.id, expect={JobState.RUNNING, JobState.PENDING}, to=JobState.CANCELLING, now=now)
    supervisor.send_signal(signal.SIGTERM)
    supervisor.wait(60)


def wait_until(condition: Callable[[], object], supervisor: subprocess.Popen[bytes]) -> None:
    while not condition():
        with pytest.raises(subprocess.TimeoutExpired):
            supervisor.wait(0.02)


DAEMON = """
import os, pathlib, sys, time
place = pathlib.Path(os.environ["AIP_CHECKPOINT_DIR"], "daemon")
code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.execve(sys.executable, ["python", "-c", code, str(place)], {})
    os._exit(0)
while not place.exists() or not place.read_text():
    time.sleep(0.01)
"""


def test_a_daemon_without_a_mark_ends_with_its_job(jobs: Jobs, start: Start) -> None:
    folder = jobs.make(DAEMON)
    start(folder).wait(60)
    assert jobs.store.get(folder.id).state is JobState.SUCCEEDED
    assert not is_running(int((folder.checkpoint_dir / "daemon").read_text()))


ORPHANS = """
import os, subprocess, time
for _ in range(5):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
def zombies():
    states = subprocess.run(["ps", "--ppid", str(os.getppid()), "-o", "state="], capture_output=True, text=True)
    return states.stdout.split().count("Z")
time.sleep(0.2)
print("zombies", zombies())
"""


def test_adopted_zombies_are_reaped(jobs: Jobs, start: Start) -> None:
    folder = jobs.make(ORPHANS)
    start(folder).wait(60)
    assert folder.log().read_text() == "zombies 0\n"


STOPPED = "import os, signal\nif {condition}:\n    os.kill(os.getpid(), signal.SIGSTOP)\nsignal.pause()\n"


@pytest.mark.parametrize("role", ["chief", "worker"])
def test_a_stopped_replica_can_be_cancelled(jobs: Jobs, start: Start, role: str) -> None:
    source = STOPPED.format(condition=f"'\"type\": \"{role}\"' in os.environ['TF_CONFIG']")
    folder = jobs.make(source, placement=Placement(replicas={"chief": 1, "worker": 1}))
    supervisor = start(folder)
    wait_until(lambda: is_stopped(folder, role), supervisor)
    cancel(jobs, folder, supervisor)
    assert jobs.store.get(folder.id).state is JobState.CANCELLED
    assert [one.exit_code for one in read_replicas(folder).replicas] == [-signal.SIGTERM] * 2


def is_stopped(folder: JobFolder, role: str) -> bool:
    pids = [one.pid for one in read_replicas(folder).replicas if one.role == role]
    return bool(pids) and Path(f"/proc/{pids[0]}/stat").read_text().split()[2] == "T"


def test_a_cancel_while_the_cluster_starts(jobs: Jobs, start: Start) -> None:
    source = "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\nsignal.pause()\n"
    folder = jobs.make(source, placement=Placement(replicas={"chief": 1, "worker": 8, "ps": 4}))
    start(folder).wait(60)
    record = jobs.store.get(folder.id)
    assert (record.state, record.start_time is None) == (JobState.CANCELLED, False)
    assert not any(is_running(one.pid) for one in read_replicas(folder).replicas)


def test_a_supervisor_shows_its_jobs_name(jobs: Jobs, start: Start) -> None:
    source = "import os, pathlib\nprint(pathlib.Path(f'/proc/{os.getppid()}/comm').read_text().strip())\n"
    folder = jobs.make(source)
    start(folder).wait(60)
    assert folder.log().read_text() == "mlm:taxi\n"


def test_a_killed_supervisor_takes_its_cluster_along(jobs: Jobs, start: Start) -> None:
    source = "import signal\nsignal.pause()\n"
    folder = jobs.make(source, placement=Placement(replicas={"chief": 1, "worker": 2, "ps": 1}), max_retries=1)
    supervisor = start(folder)
    wait_until(lambda: len(read_replicas(folder).replicas) == 4, supervisor)
    supervisor.kill()
    supervisor.wait()
    end_members(folder.id, session=supervisor.pid)
    assert not any(is_running(one.pid) for one in read_replicas(folder).replicas)


WAITS = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
"""
SUBMITS = """
import os, subprocess, sys, time
command = [sys.executable, "-c", sys.argv[1], sys.argv[2]]
subprocess.Popen(command, start_new_session=True, env={**os.environ, "CLOUD_ML_JOB_ID": ""})
while not os.path.exists(sys.argv[2] + "/replicas.json"):
    time.sleep(0.01)
"""


def test_a_job_that_was_submitted_by_a_job_goes_on(jobs: Jobs, start: Start, tmp_path: Path) -> None:
    inner = jobs.make(WAITS, args=(str(tmp_path / "go"),))
    start(jobs.make(SUBMITS, args=(SUPERVISE, str(inner.root)))).wait(60)
    assert jobs.store.get(inner.id).state is JobState.RUNNING
    (tmp_path / "go").touch()
    while not inner.exit.exists():
        time.sleep(0.01)
    assert codec.loads(ExitRecord, inner.exit.read_bytes()).state is JobState.SUCCEEDED
