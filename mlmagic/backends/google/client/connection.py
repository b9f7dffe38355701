"""Google Cloud under one set of settings: credentials, and how a call is made, repeated, and told of if it fails."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from mlmagic.backends.google.refusals import Asked, LoggedOutError, UnavailableError, refusal
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.errors import MissingDependencyError
from mlmagic.preprocessing.reading.metadata_server import ImpatientRequest

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

T = TypeVar("T")

TIMEOUT_SECONDS = 60.0
"""Of one call."""
_CONNECT_SECONDS = 10.0
"""Until somebody is there who can answer."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.5


class Connection:
    """What all calls share. Made without a call and without an import; safe for several threads."""

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.is_logged_out = False
        """Whether Google has not taken the credentials: those of a later login are read by a new connection alone."""
        # Else gRPC tells below a cell that a server has hung up. It reads this as Google's libraries import it.
        os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

    @property
    def vertex(self) -> str:
        """Where Vertex AI is reached."""
        return self.settings.endpoint or f"https://{self.settings.region}-aiplatform.googleapis.com"

    def log_in(self) -> None:
        """See `GoogleClient.log_in`."""
        with self.asking("log in"):
            from google.auth.transport.requests import Request

            if not self.credentials.valid:
                self.credentials.refresh(Request())

    def asked(self, method: str, address: str, **arguments: Any) -> dict[str, Any]:
        """Return the JSON that an address answers with; anything but 200 is raised as Google's own error."""
        from google.api_core.exceptions import from_http_response

        timeout = (min(_CONNECT_SECONDS, TIMEOUT_SECONDS), TIMEOUT_SECONDS)
        answer = self.session().request(method, address, timeout=timeout, **arguments)
        if answer.status_code != 200:
            raise from_http_response(answer)
        document: dict[str, Any] = answer.json()
        return document

    def repeated(self, doing: str, call: Callable[[], T], *, waits_once: bool = False) -> T:
        """Do what may be done twice, again and again for a few seconds as long as no answer comes.

        With `waits_once` not after all the time of a call has gone by: it is worked on there, and takes longer.
        """
        import time

        for attempt in range(_ATTEMPTS):
            try:
                with self.asking(doing, is_repeated=True):
                    return call()
            except LoggedOutError:
                raise
            except UnavailableError as error:
                if attempt == _ATTEMPTS - 1 or (waits_once and has_taken_too_long(error)):
                    raise
                time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def asking(self, doing: str, *, is_repeated: bool = False) -> Iterator[None]:
        """Make our errors of Google's; `doing` says what fails: `create the job`."""
        try:
            yield
        except ImportError as error:
            raise MissingDependencyError(
                f"the backend 'google' needs {error.name}, which is not installed.",
                hint="Install it with: %pip install 'mlmagic[google]'",
            ) from error
        except Exception as error:
            names = [kind.__name__ for kind in type(error).__mro__]
            if not _is_theirs(error):
                raise
            asked = Asked(
                doing=doing,
                project=self.settings.project,
                region=self.settings.region,
                bucket=self.settings.bucket,
                is_repeated=is_repeated,
            )
            failure = refusal(names, str(error), asked)
            self.is_logged_out = self.is_logged_out or isinstance(failure, LoggedOutError)
            raise failure from error

    @functools.cached_property
    def credentials(self) -> Credentials:
        """Application Default Credentials, or the emulator's token."""
        with self.lock:
            if self.settings.token is not None:
                from google.oauth2.credentials import Credentials as TokenCredentials

                return TokenCredentials(self.settings.token)
            import google.auth
            from google.auth.exceptions import TransportError
            from google.auth.transport.requests import Request

            request: Any = ImpatientRequest(Request(), TransportError)
            found: Credentials = google.auth.default(scopes=_SCOPES, request=request)[0]
            return found

    def session(self) -> Any:
        """Return what makes requests with the credentials."""
        from google.auth.transport.requests import AuthorizedSession

        # A session for each call: requests does not promise that several threads may share one.
        return AuthorizedSession(self.credentials)


def call_options() -> dict[str, Any]:
    """Return what each call of Google's own clients is given: what may be tried again, `repeated` tries."""
    return {"retry": None, "timeout": TIMEOUT_SECONDS}


def has_taken_too_long(error: UnavailableError) -> bool:
    """Say whether it was sent, and no answer came in time."""
    from google.api_core.exceptions import GatewayTimeout
    from requests.exceptions import ReadTimeout

    return isinstance(error.__cause__, GatewayTimeout | ReadTimeout)


def _is_theirs(error: Exception) -> bool:
    """Say whether Google's libraries, or requests below them, raised it."""
    return type(error).__module__.partition(".")[0] in {"google", "requests", "urllib3", "builtins"} and isinstance(
        error, _outer_errors()
    )


def _outer_errors() -> tuple[type[Exception], ...]:
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    return (GoogleAPIError, GoogleAuthError, RequestException, ConnectionError)


def plain_time(told: Any) -> datetime | None:
    """Return a plain time; theirs has nanoseconds, which ours would not compare with."""
    return None if told is None else datetime.fromtimestamp(told.timestamp(), UTC)
