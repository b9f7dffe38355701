"""The files of a job's package, and nothing beside them."""

from __future__ import annotations

from pathlib import Path

from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.panels.sizes import size_text
from mlmagic.session import Session
from mlmagic.spec.panel_rows import PackageFile

MOST_BYTES = 1 << 20
"""Of a file that is shown; nobody reads a longer one in a panel."""


def list_files(session: Session, job_id: str) -> list[PackageFile]:
    """Return the files of a job's package, by path.

    Raises:
        NotFoundError: there is no such job.
    """
    return [PackageFile(path=path, size_bytes=len(data)) for path, data in sorted(_files(session, job_id).items())]


def read_file(session: Session, job_id: str, path: str) -> str:
    """Return the text of a file.

    Raises:
        NotFoundError: the package has no such file, whatever lies elsewhere.
        UsageError: it is no text, or too long to be shown.
    """
    files = _files(session, job_id)
    if path not in files:
        raise NotFoundError(
            f"the package of {job_id} has no file {path[:200]!r}. {nearest(path, files)}".rstrip(),
            hint=f"Its files: {', '.join(sorted(files)[:20])}.",
        )
    data = files[path]
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path} has {size_text(len(data))}; up to {size_text(MOST_BYTES)} is shown.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text: {size_text(len(data))}.") from None


def _files(session: Session, job_id: str) -> dict[str, bytes]:
    folder = session.location.job(job_id).package
    files = session.backend().package(job_id).files
    return {path: data for path, data in files.items() if _is_own(folder, path)}


def _is_own(folder: Path, path: str) -> bool:
    """Say whether a file lies where it seems to: a program may have put a link to another place into its package."""
    return (folder / path).resolve().is_relative_to(folder.resolve())
