"""Bytes on their way into a bucket: in one request, or in a resumable upload's many."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlmagic.emulator.errors import ApiError, bad_request
from mlmagic.emulator.storage.digests import Digest, RunningDigest, digest_of
from mlmagic.emulator.storage.preconditions import Preconditions
from mlmagic.emulator.storage.resources import object_properties
from mlmagic.emulator.storage.store import ObjectStore, StoredObject, numbers_of, refusals

SMALLEST_CHUNK = 256 << 10
"""Bytes of a chunk that is not the last."""
_KEPT_SECONDS = 7 * 24 * 3600
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is to become of the bytes."""

    bucket: str
    name: str
    properties: dict[str, Any]
    wanted: Preconditions
    md5: str | None = None
    """What the client says that the checksums are."""
    crc32c: str | None = None

    @classmethod
    def of(
        cls, bucket: str, told: Mapping[str, Any], query: Mapping[str, str], wanted: Preconditions, content_type: str
    ) -> Upload:
        """Read the metadata of a request; `content_type` is what its headers say.

        Raises:
            ApiError: INVALID_ARGUMENT.
        """
        properties = {"contentType": content_type, **object_properties(told)}
        if query.get("contentEncoding"):
            properties["contentEncoding"] = query["contentEncoding"]
        name = query.get("name") or told.get("name")
        if not isinstance(name, str) or not name:
            raise bad_request("Required")
        return cls(
            bucket=bucket,
            name=name,
            properties=properties,
            wanted=wanted,
            md5=told.get("md5Hash"),
            crc32c=told.get("crc32c"),
        )

    def check(self, digest: Digest) -> None:
        """Compare what came with what the client says that it has sent.

        Raises:
            ApiError: INVALID_ARGUMENT.
        """
        for kind, given, found in (("CRC32C", self.crc32c, digest.crc32c), ("MD5 hash", self.md5, digest.md5)):
            if given is not None and given != found:
                raise bad_request(f'Provided {kind} "{given}" doesn\'t match calculated {kind} "{found}".')


class Sink:
    """A file beside the buckets that takes what comes; what goes wrong is kept for the answer."""

    def __init__(self, path: Path, *, start: int | None = None) -> None:
        self.path = path
        self.error: ApiError | None = None
        self.size = 0
        self._digest = RunningDigest()
        self._file: IO[bytes] | None = None
        with self._kept():
            self._file = path.open("xb" if start is None else "r+b")
            path.chmod(0o600)
            if start is not None:
                self._file.seek(start)
                self._file.truncate()

    def write(self, data: bytes) -> None:
        """Take bytes."""
        if self.error is None and self._file is not None:
            with self._kept():
                self._file.write(data)
                self._digest.add(data)
                self.size += len(data)

    def close(self) -> Digest:
        """Return the checksums of what came.

        Raises:
            ApiError: not all of it could be written.
        """
        if self._file is not None:
            with self._kept():
                self._file.close()
        if self.error is not None:
            raise self.error
        return self._digest.result()

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            with refusals():
                yield
        except ApiError as error:
            self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRange:
    """Which bytes of the whole a request has; without a start it only asks."""

    start: int | None
    total: int | None

    @classmethod
    def of(cls, text: str | None) -> ContentRange:
        """Read the header; without one the request has the whole.

        Raises:
            ApiError: INVALID_ARGUMENT.
        """
        if text is None:
            return cls(start=0, total=None)
        found = _RANGE.fullmatch(text)
        if found is None:
            raise bad_request(f"Failed to parse Content-Range header: {text!r}")
        first, _, total = found.groups()
        return cls(start=None if first is None else int(first), total=None if total == "*" else int(total))


class ResumableUploads:
    """Uploads that go on after a break, also of the emulator: rows, and files beside the buckets."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def sweep(self) -> None:
        """Remove what requests have left that an emulator before was killed in; resumable uploads stay a week."""
        oldest = time.time() - _KEPT_SECONDS
        for path in self._store.incoming.iterdir():
            if path.suffix != ".part" or path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def begin(self, upload: Upload) -> str:
        """Return the id of a new upload.

        Raises:
            ApiError: NOT_FOUND of the bucket, a precondition that does not hold already.
        """
        upload.wanted.check(*numbers_of(self._store.find(upload.bucket, upload.name)))
        upload_id = secrets.token_urlsafe(32)
        try:
            with refusals():
                self.file(upload_id).touch(0o600)
                self._store.rows.keep_upload(upload_id, dataclasses.asdict(upload) | {"done": None})
        except ApiError:
            self.file(upload_id).unlink(missing_ok=True)
            raise
        return upload_id

    def file(self, upload_id: str) -> Path:
        """Return where the bytes of an upload are until it is done."""
        return self._store.incoming / f"{upload_id}.part"

    def find(self, upload_id: str) -> tuple[Upload, int | None]:
        """Return an upload, and the generation that it has become if it is done.

        Raises:
            ApiError: NOT_FOUND.
        """
        row = self._store.rows.upload(upload_id)
        if row is None:
            raise ApiError(status="NOT_FOUND", message=f"No such upload: {upload_id[:100]}")
        done = row.pop("done")
        return Upload(**{**row, "wanted": Preconditions(**row["wanted"])}), done

    def received(self, upload_id: str) -> int:
        """Return how many bytes of an upload have come."""
        with contextlib.suppress(FileNotFoundError):
            return self.file(upload_id).stat().st_size
        return 0

    @contextlib.contextmanager
    def claimed(self, upload_id: str) -> Iterator[None]:
        """Keep an upload to one request at a time.

        Raises:
            ApiError: UNAVAILABLE; another one writes.
        """
        self.claim(upload_id)
        try:
            yield
        finally:
            self.release(upload_id)

    def claim(self, upload_id: str) -> None:
        """Begin what only one request may do at a time.

        Raises:
            ApiError: UNAVAILABLE; another one does.
        """
        with self._lock:
            if upload_id in self._busy:
                raise ApiError(status="UNAVAILABLE", message="Another request is writing to this upload.")
            self._busy.add(upload_id)

    def release(self, upload_id: str) -> None:
        """End it."""
        with self._lock:
            self._busy.discard(upload_id)

    def finish(self, upload_id: str, *, crc32c: str | None = None, md5: str | None = None) -> StoredObject:
        """Make what has come the object.

        Raises:
            ApiError: a checksum that differs, a precondition that does not hold.
        """
        upload, _ = self.find(upload_id)
        checked = dataclasses.replace(upload, crc32c=crc32c or upload.crc32c, md5=md5 or upload.md5)
        path = self.file(upload_id)
        digest = digest_of(path)
        try:
            checked.check(digest)
            made = self._store.commit(
                upload.bucket, upload.name, path, digest, properties=upload.properties, wanted=upload.wanted
            )
        except ApiError as error:
            if error.code in {400, 412}:
                self.cancel(upload_id)
            raise
        # If there is no room for this, the object is there all the same.
        with contextlib.suppress(ApiError), refusals():
            self._store.rows.keep_upload(upload_id, dataclasses.asdict(upload) | {"done": made.known.generation})
        return made

    def cancel(self, upload_id: str) -> None:
        """Forget an upload and what has come of it."""
        self._store.rows.forget_upload(upload_id)
        self.file(upload_id).unlink(missing_ok=True)
