"""Becomes a program that ends with process PID: `python -m mlmagic.backends.local.sampling.companion PID PROGRAM …`.

A program that prints now and then notices only then that nobody reads it any more.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the system to end this process with its parent, and become the program."""
    import ctypes

    parent, program, *_ = arguments = sys.argv[1:]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have ended before it was asked for.
    if os.getppid() == int(parent):
        os.execv(program, arguments[1:])  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
