"""The files of a job's package, and nothing beside them."""

from __future__ import annotations

from pathlib import Path

from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.panels.sizes import size_text
from mlmagic.session import Session
from mlmagic.spec.panel_rows import PackageFile
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import explained
from mlmagic.workspace.jobs import JobStore

MOST_BYTES = 1 << 20
"""Of a file that is shown; nobody reads a longer one in a panel."""


def list_files(session: Session, job_id: str) -> list[PackageFile]:
    """Return the files of a job's package, by path. What is in them is not read: there may be data of any size.

    Raises:
        NotFoundError: there is no such job.
        WorkspaceError: the package cannot be read.
    """
    sizes = _sizes(session, job_id)
    return [PackageFile(path=path, size_bytes=size) for path, size in sorted(sizes.items())]


def read_file(session: Session, job_id: str, path: str) -> str:
    """Return the text of a file.

    Raises:
        NotFoundError: the package has no such file, whatever lies elsewhere.
        UsageError: it is no text, or too long to be shown.
        WorkspaceError: it cannot be read.
    """
    sizes = _sizes(session, job_id)
    if path not in sizes:
        raise NotFoundError(
            f"the package of {job_id} has no file {path[:200]!r}. {nearest(path, sizes)}".rstrip(),
            hint=f"Its files: {', '.join(sorted(sizes)[:20])}.",
        )
    if sizes[path] > MOST_BYTES:
        raise UsageError(f"{path} has {size_text(sizes[path])}; up to {size_text(MOST_BYTES)} is shown.")
    with explained(f"read {path} of the package of job {job_id}"):
        data = (session.location.job(job_id).package / path).read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text: {size_text(len(data))}.") from None


def _sizes(session: Session, job_id: str) -> dict[str, int]:
    JobStore(Database(session.workspace)).get(job_id)
    folder = session.location.job(job_id).package
    own, found = folder.resolve(), {}
    with explained(f"read the package of job {job_id}"):
        for path in folder.rglob("*"):
            name = path.relative_to(folder)
            if "__pycache__" not in name.parts and path.is_file() and _is_below(path, own):
                found[name.as_posix()] = path.stat().st_size
    return found


def _is_below(path: Path, own: Path) -> bool:
    """Say whether a file lies where it seems to: a program may have put a link to another place into its package."""
    return path.resolve().is_relative_to(own)
