"""Deleting a version of a dataset: its files here, and after a yes those that Dataflow wrote into a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.errors import BackendError, MlmagicError, NotFoundError, UsageError
from mlmagic.spec.dataset import DatasetVersion

if TYPE_CHECKING:
    from mlmagic.backends.google.backend import GoogleBackend
    from mlmagic.backends.google.dataflow_files import BucketFiles
    from mlmagic.session import Session

_AGAIN = "Say the same again, and it goes on; with --keep-files it is deleted here alone."
_HINT = "Add --yes to the line, or yes=True to the call; --keep-files, or keep_files=True, leaves them in the bucket."


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDeletion:
    """A version that has gone."""

    version: DatasetVersion
    deleted: str | None = None
    """What has gone from a bucket: `12 files, 3.4 MB, in gs://…`."""
    kept: str | None = None
    """The folder of a bucket that has its files still."""

    def __str__(self) -> str:
        from mlmagic.panels.sizes import size_text

        told = f"Deleted {self.version}, {size_text(self.version.size_bytes)}. Its number is not given again."
        if self.deleted is not None:
            return f"{told}\nDeleted too: {self.deleted}."
        return told if self.kept is None else f"{told}\nIts files stay in {self.kept}: gcloud storage rm -r {self.kept}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(str(self))


def delete_dataset(
    session: Session, version: DatasetVersion, *, yes: bool = False, keep_files: bool = False
) -> DatasetDeletion:
    """Remove a version; its files in a bucket first, so that who is interrupted can say the same again.

    Until it is gone here, what is missing there is brought there again by a job that trains on it.

    Args:
        session: whose dataset.
        version: which.
        yes: delete its files in a bucket unasked.
        keep_files: leave those.

    Raises:
        ConflictError: a job that has not ended reads it.
        UsageError: it has files in a bucket, and the user does not agree, or nobody can be asked.
        BackendError: Google refused, or cannot be asked: nothing is gone here.
    """
    deleted, place = None, version.origin.location
    if place is not None and not keep_files:
        session.datasets.check_deletable(version)
        deleted = _delete_in_bucket(session, version, yes=yes)
    session.datasets.delete(version)
    return DatasetDeletion(version=version, deleted=deleted, kept=place if keep_files else None)


def _delete_in_bucket(session: Session, version: DatasetVersion, *, yes: bool) -> str | None:
    """Return what has gone; None if there was nothing any more."""
    backend = _backend_of(session, version)
    try:
        files = _files(backend, version)
        if files:
            _agree(session, f"deleting {version} deletes {files}", yes=yes)
            # A job may have begun to read it while the user thought it over.
            session.datasets.check_deletable(version)
            backend.delete_dataset_files(files)
    except UsageError:
        raise
    except MlmagicError as error:
        raise BackendError(
            f"{version} is still here, for its files in the bucket could not be deleted: {error.message}",
            problems=error.problems,
            hint=f"{error.hint} {_AGAIN}" if error.hint else _AGAIN,
        ) from error
    return str(files) if files else None


def _files(backend: GoogleBackend, version: DatasetVersion) -> BucketFiles:
    try:
        return backend.dataset_files(version)
    except UsageError as error:
        # Google is not set up here, or no more.
        hint = f"{error.hint}\n{_AGAIN}" if error.hint else _AGAIN
        raise UsageError(error.message, problems=error.problems, hint=hint) from error


def _backend_of(session: Session, version: DatasetVersion) -> GoogleBackend:
    """Return the backend whose Dataflow made it; of one whose job is deleted, its bucket tells."""
    from mlmagic.backends.google.backend import GoogleBackend
    from mlmagic.backends.google.dataflow_files import dataset_place
    from mlmagic.backends.google.names import output_directory

    bucket, job_id = dataset_place(version).split("/")[2], version.origin.job_id or ""
    try:
        name = session.jobs.get(job_id).spec.backend
    except NotFoundError:
        folder = session.location.emulator / "buckets" / bucket
        # A bucket of Google's may be called like one here.
        is_set_up = session.config.get("google_bucket", "").rstrip("/") == f"gs://{bucket}"
        is_here = (folder / output_directory("", job_id).strip("/")).is_dir() or (folder.is_dir() and not is_set_up)
        name = "emulator" if is_here else "google"
    backend = session.backend(name)
    assert isinstance(backend, GoogleBackend)  # noqa: S101 - no other runs Dataflow
    return backend


def _agree(session: Session, line: str, *, yes: bool) -> None:
    if yes:
        return
    answer = None if session.ask is None else session.ask(f"{line}; --yes does it unasked. Go on?")
    if answer is None:
        raise UsageError(f"{line}, and nobody can be asked here: nothing is deleted.", hint=_HINT)
    if not answer:
        raise UsageError("nothing was deleted: you did not agree to it.", hint=_HINT)
