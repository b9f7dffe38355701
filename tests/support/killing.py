"""Something done in a process that is killed at each of its steps."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

_CALLS = frozenset(
    [
        "execute",
        "open",
        "write",
        "flush",
        "fsync",
        "close",
        "rename",
        "replace",
        "link",
        "unlink",
        "symlink",
        "chmod",
        "mkdir",
        "rmdir",
        "remove",
        "fchmod",
    ]
)


def run_killed_at_each_step(action: Callable[[], object]) -> Iterator[int]:
    """Run something in a forked process that kills itself before its first call to the system, its second, and so on.

    Yields after each death, and ends when the process came to its end.
    """
    step = 0
    while _killed_at(action, step):
        yield step
        step += 1


def _killed_at(action: Callable[[], object], step: int) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            sys.setprofile(_Killer(step))
            action()
            sys.setprofile(None)
        finally:
            # Nothing of pytest may run in here.
            os._exit(0 if sys.exc_info()[0] is None else 1)
    _, status = os.waitpid(pid, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


class _Killer:
    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, _frame: FrameType, event: str, function: object) -> None:
        if event == "c_call" and getattr(function, "__name__", "") in _CALLS:
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
