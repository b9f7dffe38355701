"""Every error that mlmagic raises on purpose.

MlmagicError                  one clear message: what, which value, what is allowed, what to do next
├── UsageError                arguments of a magic or of a call; lists all that are wrong at once
│   └── ConsentError          it costs money, and the user has not agreed to that; has `.line`
├── CellError                 a cell cannot become a package
│   └── LiveObjectError       it needs a name that exists only as an object in the kernel
├── PackageError              a given trainer package cannot be run
├── NotFoundError             no such job, model or version; names the nearest
│   └── NoVersionError        the model has no version, and says why
├── WorkspaceError            the workspace cannot be read or written
│   └── NewerWorkspaceError   it was made by a newer mlmagic
├── BackendError              a backend refused or failed
├── ConflictError             somebody else changed it first
├── JobFailed                 a job that was waited for did not succeed; has `.job`
├── WaitTimeout               a job did not end, or an endpoint not serve, in the time that a caller gave it; it goes on
├── NotBetterError            a version is not better than another by as much as was asked for
├── PredictionError           instances do not fit the model, or its program failed
└── MissingDependencyError    an optional package is needed; gives the command that installs it

WorkspaceWarning              the workspace was damaged and has been mended; says what was lost, if anything
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class MlmagicError(Exception):
    """Root of the tree. In a notebook it prints its message alone, and stops Run All.

    `message` is what went wrong, with the value; `problems` lists several at once; `hint` is what to do next.
    """

    def __init__(self, message: str, *, problems: Sequence[str] = (), hint: str | None = None) -> None:
        self.message = message
        self.problems = tuple(problems)
        self.hint = hint
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [self.message, *(f"  - {problem}" for problem in self.problems)]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of the stack: a user's slip is no reason to print our frames.
        return [f"{type(self).__name__}: {self}"]


class UsageError(MlmagicError):
    """Arguments that do not fit."""


class ConsentError(UsageError):
    """What costs money, and was not started: the user has not agreed to it. `line` says how much it is."""

    def __init__(self, message: str, *, line: str, problems: Sequence[str] = (), hint: str | None = None) -> None:
        self.line = line
        super().__init__(message, problems=problems, hint=hint)


class CellError(MlmagicError):
    """A cell that cannot become a package."""


class LiveObjectError(CellError):
    """A name that exists only as an object in the kernel."""


class PackageError(MlmagicError):
    """A trainer package that cannot be run as it is."""


class NotFoundError(MlmagicError):
    """Nothing goes by that name."""


class NoVersionError(NotFoundError):
    """The model has no version yet."""


class WorkspaceError(MlmagicError):
    """The workspace cannot be used."""


class NewerWorkspaceError(WorkspaceError):
    """A newer mlmagic made this workspace."""


class BackendError(MlmagicError):
    """A backend refused or failed."""


class ConflictError(MlmagicError):
    """The record changed in between."""


class NotBetterError(MlmagicError):
    """A version that is not better than another by as much as was asked for."""


class PredictionError(MlmagicError):
    """Instances that a model cannot answer."""


class MissingDependencyError(MlmagicError):
    """An optional package that is not installed."""


class WaitTimeout(MlmagicError, TimeoutError):  # noqa: N818 - the time ran out, nothing broke
    """A job has not ended, or an endpoint does not serve, in the time that a caller was ready to wait."""


class JobFailed(MlmagicError):  # noqa: N818 - reads as what happened, like `subprocess.CalledProcessError` would not
    """A job that was waited for ended in another state than SUCCEEDED."""

    def __init__(self, message: str, *, job: object, problems: Sequence[str] = (), hint: str | None = None) -> None:
        self.job = job
        super().__init__(message, problems=problems, hint=hint)


class WorkspaceWarning(UserWarning):
    """The workspace was damaged and has been mended."""


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> str:
    """Return the sentence that offers what the user may have meant, or an empty string."""
    # No name is longer, and a text of megabytes in its place would be compared for seconds.
    matches = difflib.get_close_matches(name[:200], list(known), n=limit, cutoff=0.5)
    return f"Did you mean {' or '.join(matches)}?" if matches else ""
