"""The machine is restarted under running jobs: all processes are gone, and the next boot has another id."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from support.kernels import Kernel

from mlmagic.api.job import Job
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.runtime.agent_call import read_agent
from mlmagic.runtime.replicas import read_replicas
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

LONG = "%%train long --max-retries 1\nSECONDS = 600\nimport time\nprint('begun')\ntime.sleep(SECONDS)\n"


def restart_machine(workspace: Workspace, job_id: str) -> None:
    """End every process of the job and the agent at once, as a power cut does."""
    claims = JobStore(Database(workspace)).claims(job_id)
    agent = read_agent(workspace)
    replicas = read_replicas(workspace.job(job_id)).replicas
    assert agent is not None
    for pid in [agent.pid, *(claim.pid for claim in claims.values()), *(replica.pid for replica in replicas)]:
        os.kill(pid, signal.SIGKILL)


def test_jobs_that_ran_are_lost_and_can_be_run_again(folder: Path) -> None:
    kernel = Kernel(folder)
    assert not kernel.run(LONG).error
    session = Session(environ={"MLMAGIC_HOME": str(folder / ".mlmagic")}, start=folder)
    backend = session.backend()
    (job_id,) = [job.id for job in backend.list()]
    while "begun" not in backend.logs(job_id).text or not read_replicas(session.workspace.job(job_id)).replicas:
        time.sleep(0.05)
    kernel.kill()
    restart_machine(session.workspace, job_id)

    after = LocalBackend(session.workspace, boot_id="another boot")
    record = after.get(job_id)
    assert record.state is JobState.LOST
    assert record.error is not None
    assert record.error.message == "the machine was restarted while it ran"
    again = Job(id=job_id, backend=backend).rerun(args=["--seconds", "0"]).wait()
    assert again.state is JobState.SUCCEEDED
    assert again.spec.rerun_of == job_id
