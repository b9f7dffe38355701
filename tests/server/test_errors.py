from __future__ import annotations

import pytest
from tornado.web import HTTPError

from mlmagic import errors
from mlmagic.server.errors import problem_of, status_of
from mlmagic.spec.panel_rows import Problem


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("no"), 400),
        (errors.ConsentError("no", line="1 machine-hour"), 409),
        (errors.LiveObjectError("no"), 400),
        (errors.PackageError("no"), 400),
        (errors.NotFoundError("no"), 404),
        (errors.NoVersionError("no"), 404),
        (errors.ConflictError("no"), 409),
        (errors.NotBetterError("no"), 409),
        (errors.NewerWorkspaceError("no"), 409),
        (errors.JobFailed("no", job=None), 409),
        (errors.PredictionError("no"), 422),
        (errors.WorkspaceError("no"), 500),
        (errors.MissingDependencyError("no"), 501),
        (errors.BackendError("no"), 502),
        (errors.WaitTimeout("no"), 504),
        (HTTPError(405), 405),
        (RuntimeError("no"), 500),
    ],
)
def test_an_error_has_the_status_of_its_class(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_every_class_of_the_tree_is_in_the_table() -> None:
    leaves = {kind for kind in _below(errors.MlmagicError) if kind.__module__ == errors.__name__}
    in_500 = {kind for kind in leaves if status_of(kind.__new__(kind)) == 500}
    assert in_500 == {errors.WorkspaceError}


def test_a_clear_error_is_told_in_full() -> None:
    error = errors.UsageError("these do not fit:", problems=["a", "b"], hint="Try c.")
    assert problem_of(error) == Problem(message="these do not fit:", problems=("a", "b"), hint="Try c.")


def test_what_costs_money_tells_how_much() -> None:
    assert problem_of(errors.ConsentError("no", line="1 machine-hour")) == Problem(message="no", cost="1 machine-hour")


def test_a_filter_tells_the_column() -> None:
    error = errors.UsageError("the filter cannot be read")
    error.column = 7  # type: ignore[attr-defined]
    assert problem_of(error).column == 7


def test_what_nobody_meant_is_told_without_its_words() -> None:
    problem = problem_of(KeyError("a token, perhaps"))
    assert problem.message == "mlmagic failed with KeyError, which is a mistake of its own."
    assert problem.hint == "The log of the Jupyter server says more."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (HTTPError(403), "The Jupyter server does not let you do that."),
        (HTTPError(403, "'_xsrf' argument missing from POST"), "'_xsrf' argument missing from POST"),
        (HTTPError(400, "%s is 100 %% wrong", "it"), "it is 100 % wrong"),
        (HTTPError(400, "100 % wrong"), "100 % wrong"),
        (HTTPError(404), "There is nothing at this address."),
        (HTTPError(418), "I'm a Teapot"),
        (HTTPError(599), "It was refused."),
    ],
)
def test_what_the_server_refused_is_told_in_its_words(error: HTTPError, message: str) -> None:
    assert problem_of(error) == Problem(message=message)


def _below(kind: type[Exception]) -> set[type[Exception]]:
    return {found for child in kind.__subclasses__() for found in (child, *_below(child))}
