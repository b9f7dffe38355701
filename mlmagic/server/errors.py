"""What a request that failed is answered with: one table of statuses, and the error as a `Problem`."""

from __future__ import annotations

import http
import http.client

from tornado.web import HTTPError

from mlmagic import errors
from mlmagic.spec.panel_rows import Problem

STATUSES: dict[type[errors.MlmagicError], http.HTTPStatus] = {
    errors.UsageError: http.HTTPStatus.BAD_REQUEST,
    errors.ConsentError: http.HTTPStatus.CONFLICT,
    errors.CellError: http.HTTPStatus.BAD_REQUEST,
    errors.PackageError: http.HTTPStatus.BAD_REQUEST,
    errors.NotFoundError: http.HTTPStatus.NOT_FOUND,
    errors.ConflictError: http.HTTPStatus.CONFLICT,
    errors.NotBetterError: http.HTTPStatus.CONFLICT,
    errors.NewerWorkspaceError: http.HTTPStatus.CONFLICT,
    errors.JobFailed: http.HTTPStatus.CONFLICT,
    errors.PredictionError: http.HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.MissingDependencyError: http.HTTPStatus.NOT_IMPLEMENTED,
    errors.BackendError: http.HTTPStatus.BAD_GATEWAY,
    errors.WaitTimeout: http.HTTPStatus.GATEWAY_TIMEOUT,
    errors.WorkspaceError: http.HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""By the nearest class that an error is of; all others, which nobody raised on purpose, are 500."""

_OWN_WORDS: dict[int, str] = {
    http.HTTPStatus.FORBIDDEN: "The Jupyter server does not let you do that.",
    http.HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    http.HTTPStatus.METHOD_NOT_ALLOWED: "Nothing can be done so at this address.",
}
_LOG_HINT = "The log of the Jupyter server says more."


def status_of(error: BaseException) -> int:
    """Return the status of the answer."""
    if isinstance(error, HTTPError):
        return error.status_code
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return http.HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: BaseException) -> Problem:
    """Return the error as the answer tells it; of one that nobody raised on purpose, the class alone."""
    if isinstance(error, errors.MlmagicError):
        return Problem(
            message=error.message,
            problems=error.problems,
            hint=error.hint,
            # A filter's error knows where it goes wrong.
            column=getattr(error, "column", None),
            cost=error.line if isinstance(error, errors.ConsentError) else None,
        )
    if isinstance(error, HTTPError):
        return _refusal(error)
    return Problem(
        message=f"mlmagic failed with {type(error).__name__}, which is a mistake of its own.", hint=_LOG_HINT
    )


def _refusal(error: HTTPError) -> Problem:
    """Return what tornado or Jupyter refused, in its own words where it has some."""
    told, status = error.log_message, error.status_code
    own = _OWN_WORDS.get(status) or http.client.responses.get(status, "It was refused.")
    # A text without arguments comes with its percent signs doubled, so this is right for both.
    return Problem(message=told % error.args if told else own)
