"""Processes that are killed at named points: forked children, in which certain methods end the process."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple


class Step(NamedTuple):
    """A method at whose calls a process may be killed; `name_of` gives a call's name, or None."""

    owner: type
    method: str
    name_of: Callable[..., str | None]


def in_a_child(work: Callable[[], object], point: str, steps: tuple[Step, ...]) -> int:
    """Do it in a process of its own that is killed at a point, such as `before the call`; return how that ended."""
    pid = os.fork()
    if pid == 0:
        try:
            for step in steps:
                _doom(step, point)
            work()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _doom(step: Step, point: str) -> None:
    done = getattr(step.owner, step.method)

    def doomed(self: Any, *arguments: Any, **options: Any) -> Any:
        name = step.name_of(self, *arguments)
        if point == f"before {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        if point == f"during {name}":
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
        result = done(self, *arguments, **options)
        if point == f"after {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(step.owner, step.method, doomed)
