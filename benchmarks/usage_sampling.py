"""Sampling 20 jobs of two processes each, beside psutil asked for the same; CPU milliseconds of one sample."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import psutil

from benchmarks.measure import interleaved, print_table, timed
from mlmagic.backends.local.sampling.sampler import Sampler
from mlmagic.spec import codec
from mlmagic.spec.job import Replica, ReplicaList, ReplicaRole
from mlmagic.workspace.layout import Workspace

JOBS, ROUNDS = 20, 30
# A supervisor and a replica with as much memory as TensorFlow has, in the shape that a fork server gives them.
_JOBS = """
import os, sys
held = bytearray(os.urandom(1 << 20) * 300)
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        if (chief := os.fork()) == 0:
            os.setpgid(0, 0)
            sys.stdin.read()
            os._exit(0)
        os.write(1, f"{os.getpid()} {chief}\\n".encode())
        sys.stdin.read()
        os._exit(0)
sys.stdin.read()
"""


def main() -> None:
    with ExitStack() as stack:
        workspace = Workspace(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        running = stack.enter_context(_jobs(workspace))
        sampler = Sampler(workspace)
        stack.callback(sampler.close)
        variants = {
            "Sampler.sample": lambda: timed(lambda: sampler.sample(running)),
            "psutil, those processes, RSS": lambda: timed(lambda: _with_psutil(running)),
            "psutil, those processes, USS": lambda: timed(lambda: _with_psutil(running, is_full=True)),
        }
        processes = len(psutil.pids())
        goal = "under 10 ms of CPU: 1 % of a core at one sample a second"
        print_table(
            f"One sample of {JOBS} jobs with 2 processes each, among {processes} processes",
            interleaved(variants, rounds=ROUNDS),
            goal=goal,
        )


@contextmanager
def _jobs(workspace: Workspace) -> Iterator[dict[str, int]]:
    """Start jobs, and give their supervisors."""
    command = [sys.executable, "-S", "-c", _JOBS, str(JOBS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        running, server_in, server_out = {}, cast("IO[str]", server.stdin), cast("IO[str]", server.stdout)
        for number in range(JOBS):
            supervisor, chief = map(int, server_out.readline().split())
            folder = workspace.job(f"taxi-20260131-120000-{number:04x}")
            folder.root.mkdir(parents=True)
            replica = Replica(role=ReplicaRole.CHIEF, index=0, pid=chief, attempt=1, start_time=datetime.now(UTC))
            folder.replicas.write_text(codec.dumps(ReplicaList(replicas=(replica,))))
            running[folder.id] = supervisor
        try:
            yield running
        finally:
            server_in.close()


def _with_psutil(running: dict[str, int], *, is_full: bool = False) -> list[tuple[float, int]]:
    """Ask for what the sampler finds out, without attributing or writing it."""
    taken = []
    for supervisor in running.values():
        parent = psutil.Process(supervisor)
        for process in (parent, *parent.children(recursive=True)):
            with process.oneshot():
                times = process.cpu_times()
                memory = process.memory_full_info().uss if is_full else process.memory_info().rss
                taken.append((times.user + times.system, memory))
    return taken


if __name__ == "__main__":
    main()
