"""What goes wrong, at random: processes are killed and stopped, and the disk fills."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support.kernels import Kernel

from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.job import JobState, ReplicaList
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive

UNFINISHED = frozenset(state for state in JobState if not state.is_final)

PROGRAM = """
import fcntl, json, os, subprocess, sys, time
KIND = "quick"
LEDGER = "."
task = json.loads(os.environ["TF_CONFIG"])["task"]
name = f"{os.environ['CLOUD_ML_JOB_ID']} {task['type']}-{task['index']}"

def note(word):
    with open(f"{LEDGER}/ledger", "ab", buffering=0) as ledger:
        ledger.write(f"{name} {word}\\n".encode())

lock = open(f"{LEDGER}/{name}.lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    note("TWICE")
note("begin")
if KIND == "slow":
    time.sleep(1.5)
elif KIND == "daemon":
    job = os.environ["CLOUD_ML_JOB_ID"]
    subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)", job], env={})
elif KIND == "write":
    with open(os.environ["AIP_CHECKPOINT_DIR"] + "weights", "wb") as file:
        file.write(os.urandom(200_000))
elif KIND == "fail":
    note("end")
    raise ValueError("meant to fail")
note("end")
"""

SUBMIT = """
import mlmagic
from mlmagic.errors import MlmagicError
plans = [
    mlmagic.plan_training("chaos", source={program!r}, args=["--kind", kind, "--ledger", {ledger!r}], **more)
    for kind, more in (
        ("quick", {{}}), ("quick", {{"max_retries": 3}}), ("slow", {{}}), ("slow", {{"max_retries": 3}}),
        ("daemon", {{}}), ("write", {{"max_retries": 1}}), ("fail", {{}}),
        ("slow", {{"replicas": 2, "max_retries": 2}}),
    )
]
submitted, refused = [], []
"""
NEXT = """
try:
    submitted.append(plans[{index} % len(plans)].submit().id)
except MlmagicError as error:
    refused.append(str(error))
"""


@dataclass
class Chaos:
    """Breaks things in one workspace."""

    workspace: Workspace
    ledger: Path
    seed: int
    can_fill: bool
    kernels: list[Kernel] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    _submissions: int = 0
    _stopped: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - not a secret
        self.jobs = JobStore(Database(self.workspace))

    def start_kernel(self) -> Kernel:
        """Start a kernel that can submit."""
        kernel = Kernel(self.workspace.root.parent)
        outcome = kernel.run(SUBMIT.format(program=PROGRAM, ledger=str(self.ledger)))
        assert not outcome.error, outcome.error
        self.kernels.append(kernel)
        return kernel

    def submit(self) -> None:
        """Submit one job from one of the kernels."""
        kernel = self.random.choice(self.kernels)
        outcome = kernel.run(NEXT.format(index=self._submissions))
        assert not outcome.error, outcome.error
        self._submissions += 1

    def strike(self) -> None:
        """Break something."""
        blows: list[Callable[[], bool]] = [
            lambda: self._signal(self._agent(), signal.SIGKILL),
            lambda: self._signal(self._agent(), signal.SIGSTOP),
            lambda: self._signal(self._supervisor(), signal.SIGKILL),
            lambda: self._signal(self._supervisor(), signal.SIGSTOP),
            lambda: self._signal(self._replica(), signal.SIGKILL),
            self._stop_replica,
            self._kill_kernel,
            self._fill_disk,
        ]
        names = ["agent killed", "agent stopped", "supervisor killed", "supervisor stopped", "replica killed"]
        names += ["replica stopped", "kernel killed", "disk filled"]
        chosen = self.random.choices(range(len(blows)), weights=[3, 2, 3, 2, 4, 2, 1, 1])[0]
        if blows[chosen]():
            self.done[names[chosen]] = self.done.get(names[chosen], 0) + 1
        self._wake_the_stopped()

    def calm_down(self) -> None:
        """Let go of every program that was stopped: those are the user's, and nobody else continues them."""
        self._wake_the_stopped(now=float("inf"))

    def _signal(self, identity: ProcessIdentity | None, number: signal.Signals) -> bool:
        if identity is None or not is_alive(identity):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        return True

    def _agent(self) -> ProcessIdentity | None:
        with contextlib.suppress(OSError, DecodeError):
            return loads(ProcessIdentity, self.workspace.agent.read_bytes())
        return None

    def _running(self) -> str | None:
        with contextlib.suppress(Exception):
            running = [job.id for job in self.jobs.list(states={JobState.PENDING, JobState.RUNNING})]
            return self.random.choice(running) if running else None
        return None

    def _supervisor(self) -> ProcessIdentity | None:
        job_id = self._running()
        claims = {} if job_id is None else self.jobs.claims(job_id)
        return claims[max(claims)] if claims else None

    def _replica(self) -> ProcessIdentity | None:
        job_id = self._running()
        if job_id is None:
            return None
        with contextlib.suppress(OSError, DecodeError):
            replicas = loads(ReplicaList, self.workspace.job(job_id).replicas.read_bytes()).replicas
            alive = [replica for replica in replicas if replica.end_time is None]
            return ProcessIdentity.of(self.random.choice(alive).pid) if alive else None
        return None

    def _stop_replica(self) -> bool:
        replica = self._replica()
        if replica is None or not self._signal(replica, signal.SIGSTOP):
            return False
        self._stopped.append((time.monotonic() + 2, replica.pid))
        return True

    def _wake_the_stopped(self, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        for _, pid in [entry for entry in self._stopped if entry[0] <= now]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._stopped = [entry for entry in self._stopped if entry[0] > now]

    def _kill_kernel(self) -> bool:
        kernel = self.kernels.pop(self.random.randrange(len(self.kernels)))
        kernel.kill()
        self.start_kernel()
        return True

    def _fill_disk(self) -> bool:
        if not self.can_fill:
            return False
        filler = self.workspace.root.parent / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        time.sleep(self.random.uniform(0.2, 1.5))
        filler.unlink()
        return True
