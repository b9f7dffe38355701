"""Whether somebody sits at the notebook, and what they say to a question."""

from __future__ import annotations

import sys
from typing import Any


class Asker:
    """Asks the user of one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, question: str) -> bool | None:
        """Return whether the user says yes; None where nobody can answer, as in nbconvert, papermill or a script."""
        from IPython.core.error import StdinNotImplementedError

        # A kernel knows of each cell whether its front end takes questions; a terminal has to be one.
        if not hasattr(self._shell, "kernel") and not sys.stdin.isatty():
            return None
        try:
            answer = input(f"{question} [y/N] ")
        except (StdinNotImplementedError, EOFError):
            return None
        return answer.strip().lower() in {"y", "yes"}
