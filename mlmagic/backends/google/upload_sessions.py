"""Large files into a bucket, in pieces: after a break another process goes on with the one that is missing."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.upload_files import LocalFile
from mlmagic.errors import BackendError, ConflictError, NotFoundError
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import explained, make_folder, open_to_append

_KEPT_SECONDS = 7 * 24 * 3600
"""How long Cloud Storage remembers a session."""
_MOST_VAIN = 3
"""How often a piece is sent again of which Cloud Storage says that it has nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSession(Noun):
    """`uploads/<digest>.json`: a resumable upload that has begun. Who has its address may write the object."""

    address: str
    crc32c: str
    """What Cloud Storage was told that the bytes are."""


class ResumableUploads:
    """Uploads of a workspace, one at a time for each object."""

    def __init__(self, client: GoogleClient, folder: Path, *, piece_bytes: int) -> None:
        self._client = client
        self._folder = folder
        self._piece_bytes = piece_bytes

    def send(self, file: LocalFile, name: str, on_sent: Callable[[int], None]) -> None:
        """Make a file the object of that name, unless there is one by now; `on_sent` is told how many bytes are there.

        Raises:
            ConflictError: the file is being written.
            BackendError, NotFoundError: Google refused, or did not answer; the next call goes on.
            WorkspaceError: the file cannot be read, or nothing can be noted down here.
        """
        with explained(f"note down an upload in {self._folder}"):
            make_folder(self._folder)
            self._sweep()
        with _held(self._folder / f"{self._digest(name)}.json") as kept:
            if not self._client.storage.has_object(name):
                try:
                    self._send(file, name, kept, on_sent)
                except ConflictError as error:
                    kept.clear()
                    # Somebody else has written it, with the same bytes as its name says; or ours were not those.
                    if not self._client.storage.has_object(name):
                        file.check()
                        raise BackendError(
                            f"{file.path} could not be uploaded: {error.message}",
                            hint="Run it again: it is sent from its beginning.",
                        ) from error
            kept.clear()

    def _send(self, file: LocalFile, name: str, kept: _Kept, on_sent: Callable[[int], None]) -> None:
        session = kept.read()
        if session is not None:
            with contextlib.suppress(NotFoundError):
                received = self._client.storage.received_bytes(session.address, file.size)
                self._send_rest(file, session, received, on_sent)
                return
        session = self._begin(file, name)
        kept.write(session)
        self._send_rest(file, session, 0, on_sent)

    def _begin(self, file: LocalFile, name: str) -> UploadSession:
        with explained(f"read {file.path}"):
            crc32c = self._client.storage.checksum(file.path)
        file.check()
        return UploadSession(address=self._client.storage.begin_upload(name, file.size, crc32c), crc32c=crc32c)

    def _send_rest(
        self, file: LocalFile, session: UploadSession, received: int | None, on_sent: Callable[[int], None]
    ) -> None:
        """Send what is missing; `received` is None when nothing is."""
        most, vain = -1, 0
        with explained(f"read {file.path}"), file.path.open("rb") as stream:
            while received is not None:
                most, vain = max(most, received), 0 if received > most else vain + 1
                if vain > _MOST_VAIN:
                    raise BackendError(
                        f"{file.path} could not be uploaded: Cloud Storage has {received:,} of its {file.size:,} "
                        f"bytes, and has taken none of the next ones {vain} times.",
                        hint="Run it again: it goes on from there, for a week.",
                    )
                on_sent(received)
                stream.seek(received)
                data = stream.read(self._piece_bytes)
                if received + len(data) >= file.size or not data:
                    file.check()  # after the last piece it would be an object
                received = self._client.storage.send_piece(session.address, data, received, file.size)

    def _sweep(self) -> None:
        oldest = time.time() - _KEPT_SECONDS
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _digest(self, name: str) -> str:
        settings = self._client.settings
        where = f"{settings.storage_endpoint or ''} {settings.bucket}/{name}"
        return hashlib.sha256(where.encode()).hexdigest()[:32]


class _Kept:
    """A session's file, held by this process; an empty one says nothing."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def read(self) -> UploadSession | None:
        """Return the session; None if none was begun, or a process was killed while it noted one down."""
        try:
            return loads(UploadSession, os.pread(self._descriptor, 1 << 16, 0))
        except DecodeError:
            return None

    def write(self, session: UploadSession) -> None:
        """Note down the session."""
        with explained(f"write {self._path}"):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, dumps(session).encode())

    def clear(self) -> None:
        """Forget the session."""
        with contextlib.suppress(FileNotFoundError), explained(f"write {self._path}"):
            os.ftruncate(self._descriptor, 0)
            self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[_Kept]:
    """Hold a file, and make it if it is missing; who waits for it may find that it was removed, and makes another."""
    while True:
        with explained(f"lock {path}"):
            descriptor = open_to_append(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(path, descriptor):
                yield _Kept(path, descriptor)
                return
        finally:
            os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
