"""Processes in the shape of a fork server, supervisors and replicas, which do what they are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from mlmagic.spec import codec
from mlmagic.spec.job import Replica, ReplicaList, ReplicaRole
from mlmagic.spec.usage import Usage
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.usage import read_usage

# A process that runs the lines that it is sent, and answers when each is done. `fork(setup)` makes another of its kind,
# reached by its number.
_PUPPET = """
import os, signal, subprocess, sys, time

held, pipes = [], {}

def fork(*, session=False, group=False):
    to, answer = os.pipe(), os.pipe()
    pid = os.fork()
    if pid:
        pipes[pid] = (os.fdopen(to[1], "w", buffering=1), os.fdopen(answer[0]))
        os.close(to[0]); os.close(answer[1])
        pipes[pid][1].readline()
        return pid
    os.close(to[1]); os.close(answer[0])
    pipes.clear()
    if session: os.setsid()
    if group: os.setpgid(0, 0)
    os.write(answer[1], b"ready\\n")
    serve(os.fdopen(to[0]), os.fdopen(answer[1], "w", buffering=1))
    os._exit(0)

def tell(pid, line):
    pipes[pid][0].write(line + "\\n")
    return pipes[pid][1].readline().strip()

def end(pid):
    pipes.pop(pid)[0].close()
    os.waitpid(pid, 0)

def burn(seconds):
    begin = time.process_time()
    while time.process_time() - begin < seconds: pass

def touch(megabytes):
    held.append(bytearray(os.urandom(1 << 20) * megabytes))

def serve(lines, answers):
    for line in lines:
        answers.write(f"{eval(line)}\\n")

serve(sys.stdin, sys.stdout)
"""


class Puppet:
    """A process that does what it is told. Those that it forked are told through it."""

    def __init__(self, process: subprocess.Popen[str], route: Sequence[int] = ()) -> None:
        self._process = process
        self._route = tuple(route)
        self.pid = route[-1] if route else process.pid

    def do(self, line: str) -> str:
        """Run a line there, and return what came of it once it is done."""
        for pid in reversed(self._route):
            line = f"tell({pid}, {line!r})"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def fork(self, options: str = "") -> Puppet:
        """Return a child of it."""
        return Puppet(self._process, (*self._route, int(self.do(f"fork({options})"))))


def start_puppet() -> subprocess.Popen[str]:
    """Start a process that does what it is told; it and those that it forked end with its standard input."""
    command = [sys.executable, "-S", "-u", "-c", _PUPPET]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Job:
    """A job folder and its supervisor."""

    def __init__(self, folder: JobFolder, supervisor: Puppet) -> None:
        self.folder = folder
        self.supervisor = supervisor
        self._replicas: list[Replica] = []

    def replica(self, role: str = "chief", index: int = 0) -> Puppet:
        """Start a replica, and write it down as a supervisor does."""
        replica = self.supervisor.fork("group=True")
        now = datetime.now(UTC)
        self._replicas.append(Replica(role=ReplicaRole(role), index=index, pid=replica.pid, attempt=1, start_time=now))
        aside = self.folder.root / "replicas.new"
        aside.write_text(codec.dumps(ReplicaList(replicas=tuple(self._replicas))))
        aside.replace(self.folder.replicas)
        return replica

    @property
    def usage(self) -> Usage:
        """What was sampled, and written."""
        return read_usage(self.folder)
