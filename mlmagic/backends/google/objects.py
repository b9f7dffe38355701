"""Objects of a bucket as files here: read in pieces, each byte once if that can be, and compared by their checksums."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import output_directory
from mlmagic.backends.google.remote import RemoteRecord, StoredObject
from mlmagic.workspace.files import append, is_inside, make_folder, write_atomic

PIECE_BYTES = 8 << 20
_LONGEST_NAME_BYTES = 255


def output_folder(client: GoogleClient, remote: RemoteRecord, job_id: str, name: str) -> str:
    """Return `gs://…/` of what a job writes under that name: `model`, `logs`."""
    return f"{remote.output or output_directory(client.settings.bucket, job_id)}/{name}/"


def below(client: GoogleClient, folder: str) -> dict[str, StoredObject]:
    """Return the objects below `gs://bucket/folder/` by their paths in it, those alone that can be files here.

    Raises:
        BackendError: Google refused, or did not answer.
    """
    prefix = folder.removeprefix("gs://").partition("/")[2]
    found = {stored.name.removeprefix(prefix): stored for stored in client.storage.list_objects(folder)}
    return {path: stored for path, stored in found.items() if _can_be_file(path)}


def is_same(client: GoogleClient, stored: StoredObject, path: Path) -> bool:
    """Say whether a file has the bytes of an object."""
    try:
        return path.stat().st_size == stored.size and client.storage.checksum(path) == stored.crc32c
    except FileNotFoundError:
        return False


def grow(client: GoogleClient, stored: StoredObject, path: Path, *, beside: Path) -> None:
    """Append to a file what the object has more, or replace it where that is not what it was the beginning of.

    `beside` is a file as of `fetch`.

    Raises:
        BackendError, ConflictError, NotFoundError: it cannot be read, or is another one by now.
        OSError: the file cannot be written.
    """
    make_folder(path.parent)
    size = path.stat().st_size if path.exists() else 0
    for start in range(size, stored.size, PIECE_BYTES):
        append(path, client.storage.read_object(stored, start, min(start + PIECE_BYTES, stored.size)))
    if not stored.size:
        append(path, b"")
    if not is_same(client, stored, path):
        fetch(client, stored, path, beside=beside)


def fetch(
    client: GoogleClient, stored: StoredObject, path: Path, *, beside: Path, go_on: Callable[[], None] | None = None
) -> None:
    """Make a file, or replace it, as a whole or not at all; it is as old as the object.

    Args:
        client: whose bucket it is in.
        stored: the object.
        path: of the file.
        beside: a file on the same file system, while it is not complete.
        go_on: is called before each piece, and may raise.

    Raises:
        BackendError, ConflictError, NotFoundError: it cannot be read, or is another one by now.
        OSError: the file cannot be written.
    """
    make_folder(path.parent)
    write_atomic(beside, b"", sync=False)
    try:
        for start in range(0, stored.size, PIECE_BYTES):
            if go_on is not None:
                go_on()
            append(beside, client.storage.read_object(stored, start, min(start + PIECE_BYTES, stored.size)))
        if not is_same(client, stored, beside):
            raise OSError(f"gs://{stored.bucket}/{stored.name} did not arrive as it was sent")
        age = int(stored.update_time.timestamp() * 1e9)
        os.utime(beside, ns=(age, age))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _can_be_file(path: str) -> bool:
    # A name that ends with / is what consoles make to show an empty folder.
    parts = PurePosixPath(path).parts
    return path not in {"", "."} and is_inside(path) and all(len(os.fsencode(p)) <= _LONGEST_NAME_BYTES for p in parts)
