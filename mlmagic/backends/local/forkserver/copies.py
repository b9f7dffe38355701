"""What becomes of the copies of a fork server: a job's supervisor, and from that its programs."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Sequence
from typing import NoReturn

from mlmagic.backends.local.forkserver.server import Job, Server
from mlmagic.runtime.forked import ForkLauncher, Spare
from mlmagic.runtime.program import ColdLauncher, Launcher, ReplicaProgram


def serve(descriptor: int, preload: Sequence[str], path: Sequence[str]) -> ReplicaProgram:
    """Be a fork server. Returns only in a process that is to become a program, with the stack as it is here."""
    server = Server(socket.socket(fileno=descriptor), path=path)
    server.prepare(preload)
    job = server.next_job()
    spares: list[Spare] = []
    for _ in range(job.replicas):
        spare = Spare.fork()
        if isinstance(spare, ReplicaProgram):
            return spare
        spares.append(spare)
    return _supervise(job, ForkLauncher(path, spares) if job.replicas else ColdLauncher())


def _supervise(job: Job, launcher: Launcher) -> NoReturn:
    from mlmagic.runtime.supervisor import supervise

    status = 1
    try:
        supervise(job.folder, launcher=launcher, environment=job.environment)
        status = 0
    except BaseException:  # noqa: BLE001 - the server's code must not go on here
        traceback.print_exc()
    finally:
        os._exit(status)
