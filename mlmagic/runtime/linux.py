"""Three calls of Linux that Python does not have; elsewhere they do nothing."""

from __future__ import annotations

import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """Make this process the parent of all its descendants whose own parents end; say whether it is."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_process_name(name: str) -> bool:
    """Set what `ps` and `top` call this process, of which they show 15 bytes; say whether it is so."""
    # The system cuts bytes, not characters.
    return _prctl(_PR_SET_NAME, name.encode()[:15].decode("utf-8", "ignore").encode())


def end_with_parent() -> bool:
    """Be killed as soon as the thread ends that started this process; False where the system cannot do that."""
    return _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int | bytes) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
