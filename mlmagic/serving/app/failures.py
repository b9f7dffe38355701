"""Why a request gets no prediction, apart from the protocol that it came by."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from mlmagic.errors import PredictionError


class RequestFailed(Exception):  # noqa: N818 - it is the request that failed; mostly nothing is wrong with the server
    """A request without a prediction.

    `status` is HTTP's number for it. `message` says what is wrong, `problems` lists several things at once, `hint` is
    what to do next, and `retry_after` the seconds after which it may be worth another try.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        problems: Sequence[str] = (),
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = int(status)
        self.message = message
        self.problems = list(problems)
        self.hint = hint
        self.retry_after = retry_after
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """All of it, a line for each thing."""
        lines = [self.message, *(f"  - {problem}" for problem in self.problems)]
        return "\n".join([*lines, self.hint] if self.hint else lines)


def misfit(error: PredictionError) -> RequestFailed:
    """Return the failure of a request whose instances do not fit the model."""
    return RequestFailed(HTTPStatus.BAD_REQUEST, error.message, problems=error.problems, hint=error.hint)
