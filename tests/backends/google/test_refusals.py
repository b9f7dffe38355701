"""Google's answers as errors that say what to do: the exceptions of its own libraries, one by one."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ReadTimeout

from mlmagic.backends.google.refusals import Asked, UnavailableError, refusal
from mlmagic.errors import BackendError, ConflictError, MlmagicError, NotFoundError

ASKED = Asked(doing="create the job", project="my-project", region="us-central1", bucket="gs://b")
PREFIX = "POST https://us-central1-aiplatform.googleapis.com/v1/projects/my-project: "


def told(error: Exception) -> MlmagicError:
    return refusal([kind.__name__ for kind in type(error).__mro__], str(error), ASKED)


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (DefaultCredentialsError("x"), "there are no Google credentials on", "gcloud auth application-default login"),
        (RefreshError("expired"), "does not take the credentials any more: expired", "gcloud auth application-default"),
        (
            exceptions.Unauthorized("no"),
            "does not take the credentials any more: no",
            "gcloud auth application-default",
        ),
        (
            exceptions.PermissionDenied("Vertex AI API has not been used in project 1, aiplatform.googleapis.com"),
            "the API aiplatform.googleapis.com is off in project my-project",
            "gcloud services enable aiplatform.googleapis.com --project my-project",
        ),
        (
            exceptions.Forbidden(
                "Permission denied on resource project my-project (or it may not exist). project may not exist"
            ),
            "project 'my-project' does not exist, or is not yours",
            "gcloud projects list",
        ),
        (
            exceptions.Forbidden("Permission 'aiplatform.customJobs.create' denied"),
            "these credentials may not do that in project my-project: Permission 'aiplatform.customJobs.create' denied",
            "gcloud projects add-iam-policy-binding my-project --member=user:YOU --role=roles/aiplatform.user",
        ),
        (
            exceptions.Forbidden("no storage.objects.create access"),
            "may not do that",
            "--role=roles/storage.objectAdmin",
        ),
        (
            exceptions.ResourceExhausted("custom_model_training_cpus"),
            "a quota of project my-project in us-central1 is used up: custom_model_training_cpus",
            "--project=my-project",
        ),
        (
            exceptions.NotFound("The specified bucket does not exist."),
            "there is no bucket gs://b",
            "gcloud storage buckets create gs://b --location=us-central1 --project=my-project",
        ),
    ],
)
def test_what_is_not_done_says_what_to_do(error: Exception, message: str, hint: str) -> None:
    found = told(error)
    assert str(found).startswith("cannot create the job: ")
    assert message in found.message
    assert hint in (found.hint or "")


@pytest.mark.parametrize(
    "error",
    [
        *(exceptions.ServiceUnavailable("x"), exceptions.InternalServerError("x"), exceptions.GatewayTimeout("x")),
        *(exceptions.RetryError("x", None), TransportError("x"), NoConnection("x"), ReadTimeout("x")),
        ConnectionResetError("x"),
    ],
)
def test_no_answer_is_an_error_of_its_own(error: Exception) -> None:
    found = told(error)
    assert isinstance(found, UnavailableError)
    assert found.message.startswith("cannot create the job: no answer from Google: ")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.NotFound("x"), NotFoundError),
        (exceptions.InvalidArgument("x"), BackendError),
        (exceptions.FailedPrecondition("x"), ConflictError),
        (exceptions.PreconditionFailed("x"), ConflictError),
        (exceptions.Conflict("x"), ConflictError),
        (exceptions.MethodNotAllowed("x"), BackendError),
    ],
)
def test_other_refusals_have_googles_own_words(error: Exception, kind: type[MlmagicError]) -> None:
    assert type(told(error)) is kind
    assert str(told(type(error)(PREFIX + "no\nsuch   field"))).endswith("no such field")
