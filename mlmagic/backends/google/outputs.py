"""The model that a job exported, brought from the bucket into its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.objects import below, fetch, is_same, output_folder
from mlmagic.backends.google.remote import RemoteRecord, StoredObject
from mlmagic.errors import WorkspaceError
from mlmagic.workspace.files import explained, make_folder
from mlmagic.workspace.layout import JobFolder

_ROOM_BYTES = 64 << 20
"""What is left free, for the rest of what is to be written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteModel:
    """The objects below `model/`, by their paths in it."""

    place: str
    """`gs://…/model/`."""
    files: dict[str, StoredObject]

    def __str__(self) -> str:
        count = len(self.files)
        return f"{count} {'file' if count == 1 else 'files'}, {size_text(self.size)}"

    @property
    def size(self) -> int:
        """All that there is, in bytes."""
        return sum(stored.size for stored in self.files.values())


def find_model(client: GoogleClient, folder: JobFolder, remote: RemoteRecord) -> RemoteModel:
    """Return what the job exported; no files if it did not.

    Raises:
        BackendError, NotFoundError: Google refused, or did not answer.
    """
    place = output_folder(client, remote, folder.id, "model")
    return RemoteModel(place=place, files=below(client, place))


def fetch_model(client: GoogleClient, folder: JobFolder, model: RemoteModel, go_on: Callable[[], None]) -> None:
    """Bring the files that are not here yet to where a program of this machine would have written them.

    Args:
        client: whose bucket they are in.
        folder: the job's, whose lock is held.
        model: as it was just found.
        go_on: is called before each piece, and may raise.

    Raises:
        BackendError, ConflictError, NotFoundError: they cannot be read.
        WorkspaceError: the disk has no room for them.
    """
    with explained(f"write the model of job {folder.id}"):
        make_folder(folder.model_dir)
        missing = {
            path: stored for path, stored in model.files.items() if not is_same(client, stored, folder.model_dir / path)
        }
        needed = sum(stored.size for stored in missing.values())
        free = max(0, shutil.disk_usage(folder.model_dir).free - _ROOM_BYTES)
        if needed > free:
            raise WorkspaceError(
                f"the model has {size_text(needed)}, and the disk has room for {size_text(free)}.",
                hint="Free some space: it is tried again.",
            )
        for path, stored in missing.items():
            go_on()
            fetch(client, stored, folder.model_dir / path, beside=folder.fetched, go_on=go_on)


def size_text(size: float) -> str:
    """Return `120 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.3g} TB"
