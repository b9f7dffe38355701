"""Submitting 1,000 jobs through the local backend, which queues them, while another process looks at the newest.

The first ones take all cores and run until the end, so that the others stay QUEUED: what is measured is submission. The
agent's memory is read before and after.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.measure import Sample, print_table

if TYPE_CHECKING:
    from mlmagic.backends.local.backend import LocalBackend
    from mlmagic.workspace.layout import Workspace

JOBS = 1_000
BATCH = 100

_BLOCKER = "import time\nprint('begun', flush=True)\ntime.sleep(3600)\n"
_READER = """
import sys, time
from pathlib import Path
from mlmagic.workspace.database import Database; from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
store = JobStore(Database(Workspace(Path(sys.argv[1]))))
print("ready", flush=True)
while store.list(limit=50) is not None:
    time.sleep(0.1)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        from mlmagic.backends.local.backend import LocalBackend
        from mlmagic.spec.job import JobSpec, JobState, PackageReference
        from mlmagic.testing.driving import COLD, make_package, wait_for_text
        from mlmagic.workspace.discovery import open_workspace
        from mlmagic.workspace.layout import Workspace

        workspace = open_workspace(Workspace(Path(folder) / ".mlmagic"))
        backend = LocalBackend(workspace)
        package = make_package(_BLOCKER, model="x = 1\n" * 200)
        spec = JobSpec(display_name="queued", package=PackageReference(digest=package.digest, cold_reason=COLD))
        blockers = [backend.submit(spec, package).id for _ in range(os.cpu_count() or 1)]
        stack.callback(_end, backend, workspace, blockers)
        for job_id in blockers:
            wait_for_text(backend, job_id, "begun")
        reader = _start_reader(workspace.root, stack)
        before = _agent_memory(workspace.root)
        samples = [_submit_batch(lambda: backend.submit(spec, package)) for _ in range(JOBS // BATCH)]
        reader.kill()
        waiting = len(backend.list(states={JobState.QUEUED}))
        print_table(f"Submitting one of {JOBS:,} jobs", {"LocalBackend.submit": samples}, goal="5 ms: 200 per second")
        wall = sum(sample.wall for sample in samples) / len(samples)
        print(f"\n  {1 / wall:.0f} per second beside a process that lists them ten times a second; {waiting:,} wait")
        after = _agent_memory(workspace.root)
        print(f"  the agent's memory: {before:.1f} MiB before, {after:.1f} MiB with all of them queued")
        for summary in backend.list(states={JobState.QUEUED}):
            backend.cancel(summary.id)


def _end(backend: LocalBackend, workspace: Workspace, job_ids: Sequence[str]) -> None:
    """End what runs, and the agent, before the folder goes."""
    from mlmagic.backends.local.agent.link import AgentLink
    from mlmagic.testing.driving import wait_for

    for job_id in job_ids:
        backend.cancel(job_id)
    for job_id in job_ids:
        wait_for(backend, job_id)
    AgentLink(workspace, os.environ).stop()


def _submit_batch(submit: Callable[[], object]) -> Sample:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(BATCH):
        submit()
    return Sample((time.perf_counter() - wall) / BATCH, (time.process_time() - cpu) / BATCH)


def _start_reader(root: Path, stack: ExitStack) -> subprocess.Popen[bytes]:
    reader = subprocess.Popen([sys.executable, "-c", _READER, str(root)], stdout=subprocess.DEVNULL)
    stack.callback(reader.wait)
    stack.callback(reader.kill)
    return reader


def _agent_memory(root: Path) -> float:
    """Return what the workspace's agent holds for itself, in MiB."""
    held = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if str(root) in words and any("agent" in Path(word).parts for word in words):
                held += process.memory_full_info().uss
    return held / 2**20


if __name__ == "__main__":
    main()
