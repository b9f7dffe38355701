"""What Google answers when it does not do what it was asked to, as errors that say what to do.

Pure: an exception of Google's libraries is told here by the name of its class and by its text.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mlmagic.errors import BackendError, ConflictError, MlmagicError, NotFoundError


class UnavailableError(BackendError):
    """No answer came, or none for now: nothing is known of whether Google did what it was asked to."""


class LoggedOutError(UnavailableError):
    """Google does not know who asks. That says nothing of the job, and asking again helps after a login alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What Google was asked for, and in whose name."""

    doing: str
    """`create the job`, as it stands after "cannot"."""
    project: str
    region: str
    bucket: str
    is_repeated: bool = False
    """Whether it may be asked for again: then too much of it at once is no end of it."""


_Explain = Callable[[Asked, str], MlmagicError]

_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "storage.": "roles/storage.objectAdmin",
        "logging.": "roles/logging.viewer",
        "monitoring.": "roles/monitoring.viewer",
        "dataflow.": "roles/dataflow.developer",
    }
)
"""A permission's beginning → the role that has it."""
_RATE = re.compile(r"per minute|per second|RATE_LIMIT_EXCEEDED|rateLimitExceeded")
"""How Google says that it was asked too often, which is no lack of machines."""
_UNREACHABLE = re.compile(r"NameResolutionError|Failed to resolve|Failed to establish|refused|unreachable|No route")
_SILENT = re.compile(r"[Tt]imed out|Timeout|Deadline Exceeded")
_CUT_OFF = re.compile(r"Connection aborted|Connection broken|RemoteDisconnected|IncompleteRead|[Cc]onnection reset")
"""What requests says of a network, in words that are not for users."""
_OFFLINE = (
    "Is this machine online? Where a proxy is needed, set HTTPS_PROXY. Then try again. "
    "A job that could not be sent is sent by itself."
)
_HERE = frozenset({"localhost", "127.0.0.1"})
_EMULATED = "Was that the emulator of Google Cloud? %mlmagic use emulator starts it again."
_LOGIN = "Log in with: gcloud auth application-default login"


def refusal(class_names: Sequence[str], said: str, asked: Asked) -> MlmagicError:
    """Return the error to raise for an exception, told by the names of its class and of the classes above it."""
    line = _one_line(said)
    for name in class_names:
        if name in _TABLE:
            return _TABLE[name](asked, line)
    return BackendError(f"cannot {asked.doing}: {line}")


def _no_credentials(asked: Asked, _said: str) -> MlmagicError:
    return LoggedOutError(f"cannot {asked.doing}: there are no Google credentials on this machine.", hint=_LOGIN)


def _expired(asked: Asked, said: str) -> MlmagicError:
    return LoggedOutError(f"cannot {asked.doing}: Google does not take the credentials any more: {said}", hint=_LOGIN)


def _forbidden(asked: Asked, said: str) -> MlmagicError:
    service = re.search(r"\b([a-z]+\.googleapis\.com)\b", said)
    if re.search(r"SERVICE_DISABLED|has not been used in project|it is disabled", said):
        name = service[1] if service else "aiplatform.googleapis.com"
        return BackendError(
            f"cannot {asked.doing}: the API {name} is off in project {asked.project}.",
            hint=f"Switch it on with: gcloud services enable {name} --project {asked.project}",
        )
    if re.search(
        r"CONSUMER_INVALID|USER_PROJECT_DENIED|[Pp]roject .*(?:not found|may not exist|has been deleted)", said
    ):
        return BackendError(
            f"cannot {asked.doing}: project {asked.project!r} does not exist, or is not yours: {said}",
            hint="See what your projects are called: gcloud projects list. Then: %mlmagic use google --project PROJECT",
        )
    role = next((role for word, role in _ROLES.items() if word in said), "roles/aiplatform.user")
    return BackendError(
        f"cannot {asked.doing}: these credentials may not do that in project {asked.project}: {said}",
        hint="Have an owner of the project grant that: "
        f"gcloud projects add-iam-policy-binding {asked.project} --member=user:YOU --role={role}",
    )


def _exhausted(asked: Asked, said: str) -> MlmagicError:
    if asked.is_repeated or _RATE.search(said):
        return UnavailableError(
            f"cannot {asked.doing}: project {asked.project} has asked Google too often for now: {said}",
            hint="Wait a minute, and try again. A job that could not be sent is sent by itself.",
        )
    return BackendError(
        f"cannot {asked.doing}: a quota of project {asked.project} in {asked.region} is used up: {said}",
        hint="Ask for less, wait until other jobs have ended, or see what is allowed, and ask for more: "
        f"gcloud beta quotas info list --service=aiplatform.googleapis.com --project={asked.project}",
    )


def _not_found(asked: Asked, said: str) -> MlmagicError:
    if "bucket" in said.lower():
        return NotFoundError(
            f"cannot {asked.doing}: there is no bucket {asked.bucket}.",
            hint=f"Make it with: gcloud storage buckets create {asked.bucket} --location={asked.region} "
            f"--project={asked.project}",
        )
    return NotFoundError(f"cannot {asked.doing}: {said}")


def _invalid(asked: Asked, said: str) -> MlmagicError:
    return BackendError(f"cannot {asked.doing}: Google refuses it: {said}")


def _conflict(asked: Asked, said: str) -> MlmagicError:
    return ConflictError(f"cannot {asked.doing}: {said}")


def _unavailable(asked: Asked, said: str) -> MlmagicError:
    host = re.search(r"host='([^']+)'", said)
    name = host[1] if host else "Google"
    if _UNREACHABLE.search(said):
        told = f"this machine cannot reach {name}."
    elif _SILENT.search(said):
        told = f"{name} has taken too long."
    elif _CUT_OFF.search(said):
        told = "the connection was cut off."
    else:
        told = said
    return UnavailableError(
        f"cannot {asked.doing}: no answer from Google: {told}", hint=_EMULATED if name in _HERE else _OFFLINE
    )


_TABLE: Mapping[str, _Explain] = MappingProxyType(
    {
        "DefaultCredentialsError": _no_credentials,
        "RefreshError": _expired,
        "Unauthorized": _expired,
        "Forbidden": _forbidden,
        "TooManyRequests": _exhausted,
        "NotFound": _not_found,
        "FailedPrecondition": _conflict,
        "BadRequest": _invalid,
        "Conflict": _conflict,
        "PreconditionFailed": _conflict,
        "MethodNotImplemented": _invalid,
        # Also a 408, and whatever has no answer.
        "ServerError": _unavailable,
        "RetryError": _unavailable,
        "TransportError": _unavailable,
        "ConnectionError": _unavailable,
        "Timeout": _unavailable,
        "ChunkedEncodingError": _unavailable,
    }
)
"""A class of google.api_core, google.auth or requests → what to tell; the nearest to the exception counts."""


@contextlib.contextmanager
def looking() -> Iterator[None]:
    """Take a look that is refused as no answer: that is no word on whether there is what was asked for."""
    try:
        yield
    except (UnavailableError, NotFoundError):
        raise
    except MlmagicError as error:
        raise UnavailableError(error.message, problems=error.problems, hint=error.hint) from error


def _one_line(said: str) -> str:
    # The client library puts the method and the address before Google's own words.
    words = re.sub(r"^\d{3} (?:[A-Z]+ https?://\S+: )?", "", said.strip())
    # google.auth shows the arguments of its exceptions: its words, and the answer that they are made from.
    words = re.sub(r"^\(['\"](.+?)['\"], [{'\"].*\)$", r"\1", words, flags=re.DOTALL)
    return " ".join(words.split())[:500] or "it gave no reason"
