"""The one place that imports Google's libraries. What goes in and comes out are our nouns, texts and bytes."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlmagic.backends.google.refusals import Asked, UnavailableError, refusal
from mlmagic.backends.google.remote import RemoteJob, RemoteTrial, StoredObject
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.errors import ConflictError, MissingDependencyError, NotFoundError
from mlmagic.spec.study import Measurement

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.aiplatform_v1 import JobServiceClient
    from google.cloud.storage import Bucket
    from google.cloud.storage import Client as StorageClient

T = TypeVar("T")

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TIMEOUT_SECONDS = 60.0
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.5
_CHUNK_BYTES = 8 << 20
"""What is larger is uploaded in pieces, of which a lost one is sent again."""


class GoogleClient:
    """Google Cloud under one set of settings. Made without a call and without an import; safe for several threads."""

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings
        self._lock = threading.RLock()

    def warm(self) -> None:
        """Begin to import what the first call needs, which takes seconds; returns at once, and never fails."""
        threading.Thread(target=self._warm, name="import google", daemon=True).start()

    def _warm(self) -> None:
        with contextlib.suppress(Exception):  # whoever makes a call is told
            _ = self._jobs

    def create_custom_job(self, job: Mapping[str, Any]) -> RemoteJob:
        """Create a CustomJob, given as the API's message in snake_case. Never tried twice.

        Raises:
            UnavailableError: no answer came; there may be such a job now.
            BackendError: Google refused.
        """
        with self._asking("create the job"):
            from google.cloud.aiplatform_v1 import CustomJob

            made = self._jobs.create_custom_job(
                parent=self.settings.parent, custom_job=CustomJob(dict(job)), retry=None, timeout=_TIMEOUT_SECONDS
            )
            return _remote(made)

    def get_custom_job(self, name: str) -> RemoteJob:
        """Return a CustomJob as it is now.

        Raises:
            NotFoundError: there is none.
        """
        return _remote(
            self._repeated(
                "look at the job", lambda: self._jobs.get_custom_job(name=name, retry=None, timeout=_TIMEOUT_SECONDS)
            )
        )

    def list_custom_jobs(self, where: str) -> list[RemoteJob]:
        """Return the CustomJobs that pass a filter of the API, the oldest first."""

        def call() -> list[RemoteJob]:
            request = {"parent": self.settings.parent, "filter": where, "page_size": 100}
            return [_remote(job) for job in self._jobs.list_custom_jobs(request, retry=None, timeout=_TIMEOUT_SECONDS)]

        return _oldest_first(self._repeated("list the jobs", call))

    def cancel_custom_job(self, name: str) -> None:
        """Ask a CustomJob to end; of one that has ended, or is gone, nothing is asked."""
        with contextlib.suppress(NotFoundError, ConflictError):
            self._repeated(
                "cancel the job", lambda: self._jobs.cancel_custom_job(name=name, retry=None, timeout=_TIMEOUT_SECONDS)
            )

    def delete_custom_job(self, name: str) -> None:
        """Remove a CustomJob that has ended; one that is gone is removed already."""
        with contextlib.suppress(NotFoundError):
            self._repeated(
                "delete the job", lambda: self._jobs.delete_custom_job(name=name, retry=None, timeout=_TIMEOUT_SECONDS)
            )

    def create_tuning_job(self, job: Mapping[str, Any]) -> RemoteJob:
        """Create a HyperparameterTuningJob; otherwise as `create_custom_job`."""
        with self._asking("create the study"):
            from google.cloud.aiplatform_v1 import HyperparameterTuningJob

            made = self._jobs.create_hyperparameter_tuning_job(
                parent=self.settings.parent,
                hyperparameter_tuning_job=HyperparameterTuningJob(dict(job)),
                retry=None,
                timeout=_TIMEOUT_SECONDS,
            )
            return _remote(made)

    def list_tuning_jobs(self, where: str) -> list[RemoteJob]:
        """Return the HyperparameterTuningJobs that pass a filter of the API, the oldest first."""

        def call() -> list[RemoteJob]:
            request = {"parent": self.settings.parent, "filter": where, "page_size": 100}
            found = self._jobs.list_hyperparameter_tuning_jobs(request, retry=None, timeout=_TIMEOUT_SECONDS)
            return [_remote(job) for job in found]

        return _oldest_first(self._repeated("list the studies", call))

    def get_job(self, name: str) -> RemoteJob:
        """Return the job of that name, a study or another; errors are those of `get_custom_job`."""
        if not _is_study(name):
            return self.get_custom_job(name)
        return _remote(
            self._repeated(
                "look at the study",
                lambda: self._jobs.get_hyperparameter_tuning_job(name=name, retry=None, timeout=_TIMEOUT_SECONDS),
            )
        )

    def cancel_job(self, name: str) -> None:
        """Ask a job to end, a study with all its trials; otherwise as `cancel_custom_job`."""
        if not _is_study(name):
            self.cancel_custom_job(name)
            return
        with contextlib.suppress(NotFoundError, ConflictError):
            self._repeated(
                "cancel the study",
                lambda: self._jobs.cancel_hyperparameter_tuning_job(name=name, retry=None, timeout=_TIMEOUT_SECONDS),
            )

    def delete_job(self, name: str) -> None:
        """Remove a job that has ended, a study with all its trials; one that is gone is removed already."""
        if not _is_study(name):
            self.delete_custom_job(name)
            return
        with contextlib.suppress(NotFoundError):
            self._repeated(
                "delete the study",
                lambda: self._jobs.delete_hyperparameter_tuning_job(name=name, retry=None, timeout=_TIMEOUT_SECONDS),
            )

    def bucket_location(self) -> str:
        """Return where the bucket is: `US-CENTRAL1`, or `US`, which is several regions.

        Raises:
            NotFoundError: there is no such bucket.
        """

        def call() -> str:
            bucket = self._bucket
            bucket.reload(timeout=_TIMEOUT_SECONDS, retry=None)
            return str(bucket.location)

        return self._repeated(f"look at the bucket {self.settings.bucket}", call)

    def has_object(self, name: str) -> bool:
        """Say whether the bucket holds an object."""
        doing = f"look at {self.settings.bucket}/{name}"
        return bool(self._repeated(doing, lambda: self._bucket.blob(name).exists(timeout=_TIMEOUT_SECONDS, retry=None)))

    def put_object(self, name: str, data: bytes) -> bool:
        """Write an object, unless there is one of that name, and say whether there was none."""

        def call() -> bool:
            blob = self._bucket.blob(name, chunk_size=_CHUNK_BYTES if len(data) > _CHUNK_BYTES else None)
            blob.upload_from_string(
                data, if_generation_match=0, timeout=_TIMEOUT_SECONDS, retry=None, checksum="crc32c"
            )
            return True

        try:
            return self._repeated(f"write {self.settings.bucket}/{name}", call)
        except ConflictError:
            return False

    def list_objects(self, folder: str) -> list[StoredObject]:
        """Return what is below `gs://bucket/folder/`, of whatever bucket, in order of name; nothing if there is none.

        Raises:
            NotFoundError: there is no such bucket.
        """
        bucket, _, prefix = folder.removeprefix("gs://").partition("/")

        def call() -> list[StoredObject]:
            blobs = self._storage.bucket(bucket).list_blobs(prefix=prefix, timeout=_TIMEOUT_SECONDS, retry=None)
            return [_stored(bucket, blob) for blob in blobs]

        return self._repeated(f"list {folder}", call)

    def read_object(self, found: StoredObject, start: int, end: int) -> bytes:
        """Return the bytes from `start` to before `end`.

        Raises:
            ConflictError, NotFoundError: it has been written again since, or is gone.
        """

        def call() -> bytes:
            data: bytes = (
                self._storage.bucket(found.bucket)
                .blob(found.name)
                .download_as_bytes(
                    start=start,
                    end=end - 1,
                    if_generation_match=found.generation,
                    timeout=_TIMEOUT_SECONDS,
                    retry=None,
                    checksum=None,  # there is one of the whole alone
                )
            )
            return data

        return self._repeated(f"read gs://{found.bucket}/{found.name}", call)

    def checksum(self, path: Path) -> str:
        """Return what Cloud Storage would say of a file's bytes."""
        import base64

        from google_crc32c import Checksum

        checksum = Checksum()
        with path.open("rb") as file:
            for _ in checksum.consume(file, 1 << 20):
                pass
        return base64.b64encode(checksum.digest()).decode()

    def delete_objects(self, prefix: str) -> None:
        """Remove all objects whose names begin so."""

        def call() -> None:
            for blob in list(self._bucket.list_blobs(prefix=prefix, timeout=_TIMEOUT_SECONDS, retry=None)):
                with contextlib.suppress(NotFoundError), self._asking("delete objects"):
                    blob.delete(timeout=_TIMEOUT_SECONDS, retry=None)

        self._repeated(f"delete what is below {self.settings.bucket}/{prefix}", call)

    def log_in(self) -> None:
        """See that there are credentials, and that Google takes them.

        Raises:
            BackendError: there are none, or they have expired.
        """
        with self._asking("log in"):
            from google.auth.transport.requests import Request

            if not self._credentials.valid:
                self._credentials.refresh(Request())

    def list_dataflow_jobs(self) -> dict[str, Any]:
        """Return the newest job of Dataflow, if there is one, as its API writes it."""
        # The emulator has all APIs at one address.
        host = self.settings.endpoint if self.settings.token is not None else "https://dataflow.googleapis.com"
        address = f"{host}/v1b3/{self.settings.parent}/jobs"
        return self._repeated("list Dataflow's jobs", lambda: self._asked("GET", address, params={"pageSize": "1"}))

    def log_entries(self, where: str, page_token: str = "") -> dict[str, Any]:
        """Return a page of Cloud Logging's entries that pass a filter, the oldest first, as its API writes them."""
        body = {
            "resourceNames": [f"projects/{self.settings.project}"],
            "filter": where,
            "orderBy": "timestamp asc",
            "pageSize": 1000,
            "pageToken": page_token,
        }
        address = f"{self.settings.logging_endpoint or 'https://logging.googleapis.com'}/v2/entries:list"
        return self._repeated("read the log", lambda: self._asked("POST", address, json=body))

    def time_series(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of Cloud Monitoring's time series, as its API writes them."""
        host = self.settings.monitoring_endpoint or "https://monitoring.googleapis.com"
        address = f"{host}/v3/projects/{self.settings.project}/timeSeries"
        return self._repeated("read the usage", lambda: self._asked("GET", address, params=dict(parameters)))

    def _asked(self, method: str, address: str, **arguments: Any) -> dict[str, Any]:
        from google.api_core.exceptions import from_http_response

        answer = self._session().request(method, address, timeout=_TIMEOUT_SECONDS, **arguments)
        if answer.status_code != 200:
            raise from_http_response(answer)
        document: dict[str, Any] = answer.json()
        return document

    def _repeated(self, doing: str, call: Callable[[], T]) -> T:
        """Do what may be done twice, again and again for a few seconds as long as no answer comes."""
        import time

        for attempt in range(_ATTEMPTS):
            try:
                with self._asking(doing):
                    return call()
            except UnavailableError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
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
            )
            raise refusal(names, str(error), asked) from error

    @functools.cached_property
    def _credentials(self) -> Credentials:
        with self._lock:
            if self.settings.token is not None:
                from google.oauth2.credentials import Credentials as TokenCredentials

                return TokenCredentials(self.settings.token)
            import google.auth

            found: Credentials = google.auth.default(scopes=_SCOPES)[0]
            return found

    @functools.cached_property
    def _jobs(self) -> JobServiceClient:
        with self._lock:
            from google.cloud.aiplatform_v1 import JobServiceClient

            endpoint = self.settings.endpoint or f"https://{self.settings.region}-aiplatform.googleapis.com"
            return JobServiceClient(
                transport="rest", client_options={"api_endpoint": endpoint}, credentials=self._credentials
            )

    @property
    def _bucket(self) -> Bucket:
        return self._storage.bucket(self.settings.bucket_name)

    @functools.cached_property
    def _storage(self) -> StorageClient:
        with self._lock:
            from google.cloud.storage import Client

            options = {"api_endpoint": self.settings.storage_endpoint} if self.settings.storage_endpoint else None
            return Client(project=self.settings.project, credentials=self._credentials, client_options=options)

    def _session(self) -> Any:
        from google.auth.transport.requests import AuthorizedSession

        # A session for each call: requests does not promise that several threads may share one.
        return AuthorizedSession(self._credentials)


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


def _remote(job: Any) -> RemoteJob:
    return RemoteJob(
        name=job.name,
        state=job.state.name,
        labels=dict(job.labels),
        create_time=_time(job.create_time),
        start_time=_time(job.start_time),
        end_time=_time(job.end_time),
        error=job.error.message if job.error and job.error.message else None,
        trials=tuple(map(_trial, job.trials)) if _is_study(job.name) else (),
    )


def _trial(trial: Any) -> RemoteTrial:
    measured = trial.final_measurement
    # A study has one metric.
    metric = next(iter(measured.metrics), None) if measured else None
    elapsed = measured.elapsed_duration if measured else None
    return RemoteTrial(
        number=int(trial.id),
        state=trial.state.name,
        parameters={one.parameter_id: one.value for one in trial.parameters},
        start_time=_time(trial.start_time),
        end_time=_time(trial.end_time),
        final=None
        if metric is None
        else Measurement(
            step=measured.step_count,
            value=metric.value,
            elapsed_seconds=elapsed.total_seconds() if elapsed else 0.0,
        ),
        reason=trial.infeasible_reason or None,
    )


def _is_study(name: str) -> bool:
    return "/hyperparameterTuningJobs/" in name


def _oldest_first(jobs: list[RemoteJob]) -> list[RemoteJob]:
    return sorted(jobs, key=lambda job: (job.create_time or datetime.min.replace(tzinfo=UTC), job.name))


def _stored(bucket: str, blob: Any) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        name=blob.name,
        size=blob.size,
        generation=blob.generation,
        crc32c=blob.crc32c,
        update_time=blob.updated,
    )


def _time(told: Any) -> datetime | None:
    """Return a plain time; theirs has nanoseconds, which ours would not compare with."""
    return None if told is None else datetime.fromtimestamp(told.timestamp(), UTC)
