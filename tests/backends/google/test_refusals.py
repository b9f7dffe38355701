"""Google's answers as errors that say what to do: the exceptions of its own libraries, one by one."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ReadTimeout

from mlmagic.backends.google.client import GoogleClient, connection
from mlmagic.backends.google.refusals import Asked, UnavailableError, refusal
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.errors import BackendError, ConflictError, MlmagicError, NotFoundError

ASKED = Asked(doing="create the job", project="my-project", region="us-central1", bucket="gs://b")
PREFIX = "POST https://us-central1-aiplatform.googleapis.com/v1/projects/my-project: "


def told(error: Exception) -> MlmagicError:
    return refusal([kind.__name__ for kind in type(error).__mro__], str(error), ASKED)


LOGIN = "\nLog in with: gcloud auth application-default login"
GRANT = (
    "\nHave an owner of the project grant that: "
    "gcloud projects add-iam-policy-binding my-project --member=user:YOU --role=roles/"
)
OFFLINE = (
    "\nIs this machine online? Where a proxy is needed, set HTTPS_PROXY. Then try again. "
    "A job that could not be sent is sent by itself."
)
QUOTAS = (
    "\nAsk for less, wait until other jobs have ended, or see what is allowed, and ask for more: "
    "gcloud beta quotas info list --service=aiplatform.googleapis.com --project=my-project"
)
POOL = "HTTPSConnectionPool(host='us-central1-aiplatform.googleapis.com', port=443): "


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DefaultCredentialsError("x"), f"there are no Google credentials on this machine.{LOGIN}"),
        (
            RefreshError("invalid_grant: Token has been expired or revoked.", {"error": "invalid_grant"}),
            "Google does not take the credentials any more: invalid_grant: Token has been expired or revoked." + LOGIN,
        ),
        (exceptions.Unauthorized("no"), f"Google does not take the credentials any more: no{LOGIN}"),
        (
            exceptions.PermissionDenied("Vertex AI API has not been used in project 1, aiplatform.googleapis.com"),
            (
                "the API aiplatform.googleapis.com is off in project my-project.\n"
                "Switch it on with: gcloud services enable aiplatform.googleapis.com --project my-project"
            ),
        ),
        (
            exceptions.Forbidden("Permission denied on resource project my-project: project may not exist."),
            (
                "project 'my-project' does not exist, or is not yours: "
                "Permission denied on resource project my-project: project may not exist.\n"
                "See what your projects are called: gcloud projects list. Then: %mlmagic use google --project PROJECT"
            ),
        ),
        (
            exceptions.Forbidden("Permission 'aiplatform.customJobs.create' denied"),
            (
                "these credentials may not do that in project my-project: "
                f"Permission 'aiplatform.customJobs.create' denied{GRANT}aiplatform.user"
            ),
        ),
        (
            exceptions.Forbidden("no storage.objects.create access"),
            (
                "these credentials may not do that in project my-project: no storage.objects.create access"
                f"{GRANT}storage.objectAdmin"
            ),
        ),
        (
            exceptions.ResourceExhausted("custom_model_training_cpus"),
            f"a quota of project my-project in us-central1 is used up: custom_model_training_cpus{QUOTAS}",
        ),
        (
            exceptions.ResourceExhausted("Quota exceeded: requests per minute"),
            (
                "project my-project has asked Google too often for now: Quota exceeded: requests per minute\n"
                "Wait a minute, and try again. A job that could not be sent is sent by itself."
            ),
        ),
        (
            exceptions.NotFound("The specified bucket does not exist."),
            (
                "there is no bucket gs://b.\n"
                "Make it with: gcloud storage buckets create gs://b --location=us-central1 --project=my-project"
            ),
        ),
        (
            ReadTimeout(f"{POOL}Read timed out. (read timeout=60)"),
            f"no answer from Google: us-central1-aiplatform.googleapis.com has taken too long.{OFFLINE}",
        ),
        (
            NoConnection(f'{POOL}Max retries exceeded (Caused by NameResolutionError("Failed to resolve …"))'),
            f"no answer from Google: this machine cannot reach us-central1-aiplatform.googleapis.com.{OFFLINE}",
        ),
        (
            NoConnection("('Connection aborted.', RemoteDisconnected('closed'))"),
            f"no answer from Google: the connection was cut off.{OFFLINE}",
        ),
    ],
)
def test_what_is_not_done_says_what_to_do(error: Exception, text: str) -> None:
    assert str(told(error)) == f"cannot create the job: {text}"


def test_what_may_be_asked_again_is_no_quota_of_machines() -> None:
    asked = dataclasses.replace(ASKED, doing="list the jobs", is_repeated=True)
    found = refusal(["TooManyRequests"], "slow down", asked)
    assert isinstance(found, UnavailableError)
    assert found.message == "cannot list the jobs: project my-project has asked Google too often for now: slow down"


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_FIRST_PAUSE_SECONDS", 0.001)
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        address = f"http://localhost:{bound.getsockname()[1]}"
        settings = GoogleSettings(project="p", region="us-central1", bucket="gs://b", endpoint=address, token="t")
        with pytest.raises(UnavailableError) as caught:
            GoogleClient(settings).jobs.list_custom_jobs("")
    assert str(caught.value) == (
        "cannot list the jobs: no answer from Google: this machine cannot reach localhost.\n"
        "Was that the emulator of Google Cloud? %mlmagic use emulator starts it again."
    )


def test_no_credentials_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    client = GoogleClient(GoogleSettings(project="my-project", region="us-central1", bucket="gs://b"))
    with pytest.raises(BackendError) as caught:
        client.jobs.list_custom_jobs("")
    assert str(caught.value) == f"cannot list the jobs: there are no Google credentials on this machine.{LOGIN}"


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
