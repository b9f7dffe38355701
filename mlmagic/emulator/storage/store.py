"""Buckets and objects on disk: read, written, replaced and deleted so that nobody sees half of anything.

Bytes are written aside, in `incoming` of the emulator's folder, and moved to their place at once. Two requests are
told apart by a lock; jobs, which write files as they like, by `link`, which never replaces.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import mimetypes
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlmagic.emulator.errors import ApiError, disk_full, invalid, is_disk_full
from mlmagic.emulator.storage.digests import Digest, digest_of
from mlmagic.emulator.storage.names import check_object_name, existing, place_for
from mlmagic.emulator.storage.preconditions import Preconditions
from mlmagic.emulator.storage.rows import Known, Rows, Stamp
from mlmagic.workspace.files import make_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as it is at one moment."""

    bucket: str
    name: str
    path: Path
    stamp: Stamp
    known: Known

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stamp.size


class ObjectStore:
    """All buckets of an emulator."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "buckets"
        self.incoming = root / "incoming"
        make_folder(self.folder)
        make_folder(self.incoming)
        self.rows = Rows(root / "objects.db")
        self.lock = threading.RLock()
        self._last_generation = 0

    def bucket_folder(self, bucket: str) -> Path:
        """Return a bucket's folder.

        Raises:
            ApiError: NOT_FOUND.
        """
        folder = self.folder / bucket
        if bucket in {"", ".", ".."} or "/" in bucket or "\0" in bucket or not folder.is_dir():
            raise ApiError(status="NOT_FOUND", message="The specified bucket does not exist.")
        return folder

    def find(self, bucket: str, name: str) -> StoredObject | None:
        """Return an object, or None.

        Raises:
            ApiError: NOT_FOUND, of the bucket.
        """
        folder = self.bucket_folder(bucket)
        check_object_name(name)
        path = existing(folder, name)
        if path is None:
            return None
        with contextlib.suppress(FileNotFoundError):
            return self.at(bucket, name, path, Stamp.of(path))
        return None

    def at(self, bucket: str, name: str, path: Path, stamp: Stamp) -> StoredObject:
        """Return the object that a file is."""
        known = self.rows.known(bucket, name, stamp) or _of_file(name, stamp)
        return StoredObject(bucket=bucket, name=name, path=path, stamp=stamp, known=known)

    def get(self, bucket: str, name: str, generation: int | None = None) -> StoredObject:
        """Return an object.

        Raises:
            ApiError: NOT_FOUND.
        """
        found = self.find(bucket, name)
        if found is None or generation not in {None, found.known.generation}:
            raise ApiError(status="NOT_FOUND", message=f"No such object: {bucket}/{name}")
        return found

    def digested(self, found: StoredObject) -> StoredObject:
        """Return the object with its checksums, which are computed the first time that they are asked for."""
        if found.known.crc32c is not None:
            return found
        with contextlib.suppress(FileNotFoundError):
            digest = digest_of(found.path)
            known = dataclasses.replace(found.known, md5=digest.md5, crc32c=digest.crc32c)
            # What is being written has none yet.
            if Stamp.of(found.path) == found.stamp:
                self.rows.keep(found.bucket, found.name, found.stamp, known)
            return dataclasses.replace(found, known=known)
        return found

    def temporary(self) -> Path:
        """Return a path, where nothing is yet, on the disk of the buckets."""
        return self.incoming / f"{secrets.token_hex(16)}.tmp"

    def commit(
        self,
        bucket: str,
        name: str,
        content: Path,
        digest: Digest,
        *,
        properties: dict[str, Any],
        wanted: Preconditions = Preconditions(),  # noqa: B008 - frozen
        components: int | None = None,
    ) -> StoredObject:
        """Make a file, which is moved, the content of an object, all at once.

        Raises:
            ApiError: NOT_FOUND of the bucket, a precondition that does not hold, a disk that is full.
        """
        check_object_name(name)
        with self.lock, refusals():
            current = self.find(bucket, name)
            wanted.check(*numbers_of(current))
            time_text = _text(time.time_ns())
            known = Known(
                generation=self._next_generation(current),
                md5=None if components else digest.md5,
                crc32c=digest.crc32c,
                components=components,
                created=time_text,
                updated=time_text,
                properties=properties,
            )
            path = current.path if current is not None else place_for(self.bucket_folder(bucket), name)
            stamp = Stamp.of(content)
            self.rows.keep(bucket, name, stamp, known)
            try:
                self._move(content, path, must_be_new=wanted.generation_match == 0)
            except BaseException:
                self.rows.forget(bucket, name, but=None if current is None else current.stamp)
                raise
            self.rows.forget(bucket, name, but=stamp)
        return StoredObject(bucket=bucket, name=name, path=path, stamp=stamp, known=known)

    def patch(
        self, bucket: str, name: str, change: Callable[[dict[str, Any]], dict[str, Any]], wanted: Preconditions
    ) -> StoredObject:
        """Change what the writer of an object may choose, and count it.

        Raises:
            ApiError: NOT_FOUND, a precondition that does not hold.
        """
        with self.lock:
            found = self.digested(self.get(bucket, name))
            wanted.check(*numbers_of(found))
            known = dataclasses.replace(
                found.known,
                properties=change(dict(found.known.properties)),
                metageneration=found.known.metageneration + 1,
                updated=_text(time.time_ns()),
            )
            self.rows.keep(bucket, name, found.stamp, known)
            return dataclasses.replace(found, known=known)

    def delete(self, bucket: str, name: str, wanted: Preconditions, generation: int | None = None) -> None:
        """Delete an object, and the folders that nothing else is in.

        Raises:
            ApiError: NOT_FOUND, a precondition that does not hold.
        """
        with self.lock, refusals():
            found = self.get(bucket, name, generation)
            wanted.check(*numbers_of(found))
            found.path.unlink(missing_ok=True)
            self.rows.forget(bucket, name)
            self.remove_empty(found.path.parent, self.bucket_folder(bucket))

    def remove_empty(self, folder: Path, above: Path) -> None:
        """Remove a folder, and those above it, while they are empty."""
        with contextlib.suppress(OSError):
            while folder != above:
                folder.rmdir()
                folder = folder.parent

    def remove_folders(self, folder: Path) -> None:
        """Remove a folder in which there is nothing but folders and links.

        Raises:
            OSError: somebody has written a file since.
        """
        for inner in folder.iterdir():
            if inner.is_symlink():
                inner.unlink()
            else:
                self.remove_folders(inner)
        folder.rmdir()

    def close(self) -> None:
        """Close the rows."""
        self.rows.close()

    def _next_generation(self, current: StoredObject | None) -> int:
        before = max(self._last_generation, current.known.generation if current else 0)
        self._last_generation = max(time.time_ns() // 1000, before + 1)
        return self._last_generation

    def _move(self, content: Path, path: Path, *, must_be_new: bool) -> None:
        make_folder(path.parent)
        if not must_be_new:
            content.replace(path)
            return
        try:
            os.link(content, path)
        except FileExistsError:
            # By a job, since we have looked.
            Preconditions(generation_match=0).check(1, 1)
        content.unlink()


def numbers_of(found: StoredObject | None) -> tuple[int, int]:
    """Return generation and metageneration as preconditions compare them."""
    return (found.known.generation, found.known.metageneration) if found is not None else (0, 0)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turn what the disk refuses into what the API answers.

    Raises:
        ApiError: in place of the `OSError`, or SQLite's error.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if is_disk_full(error):
            raise disk_full() from error
        if isinstance(error, OSError) and error.errno in {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}:
            raise invalid("name", f"The object's name cannot be stored here: {error.strerror}.") from error
        raise


def copy_aside(source: Path, target: Path) -> None:
    """Copy a file's bytes; nothing is left behind if that fails."""
    try:
        with refusals():
            shutil.copyfile(source, target, follow_symlinks=False)
            target.chmod(0o600)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _of_file(name: str, stamp: Stamp) -> Known:
    """Tell what a file without a row is like: somebody has written it, when it was changed last."""
    kind, encoding = mimetypes.guess_type(name)
    time_text = _text(stamp.mtime_ns)
    return Known(
        generation=max(1, stamp.mtime_ns // 1000),
        created=time_text,
        updated=time_text,
        properties={"contentType": kind if kind and not encoding else "application/octet-stream"},
    )


def _text(time_ns: int) -> str:
    time_of = datetime.fromtimestamp(time_ns // 1000 / 1e6, UTC)
    return time_of.isoformat(timespec="milliseconds").replace("+00:00", "Z")
