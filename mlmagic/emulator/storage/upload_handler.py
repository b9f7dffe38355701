"""The addresses below `/upload`: objects come in one request, with metadata beside them, or in resumable chunks."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tornado.web import stream_request_body

from mlmagic.emulator.errors import ApiError, bad_request
from mlmagic.emulator.storage.digests import Digest
from mlmagic.emulator.storage.handler import StorageHandler
from mlmagic.emulator.storage.multipart import split_related
from mlmagic.emulator.storage.object_handler import refuse
from mlmagic.emulator.storage.preconditions import preconditions
from mlmagic.emulator.storage.resources import object_resource
from mlmagic.emulator.storage.store import StoredObject
from mlmagic.emulator.storage.uploads import SMALLEST_CHUNK, ContentRange, Sink, Upload

_LARGEST_OBJECT = 5 << 40
_CANCELLED = 499
_INCOMPLETE = 308


@stream_request_body
class UploadHandler(StorageHandler):
    """`/upload/storage/v1/b/BUCKET/o`."""

    sink: Sink | None = None
    refused: ApiError | None = None
    claimed: str | None = None

    async def prepare(self) -> None:
        """Choose where the bytes go before they come."""
        connection: Any = self.request.connection
        connection.set_max_body_size(_LARGEST_OBJECT)
        await super().prepare()
        self.upload_id = self.query.get("upload_id", "")
        if self.refused is None:
            self.site.core.faults.note("storage.objects.insert", {"verb": self.request.method, **self.query})
            self.fault = self.site.core.faults.take("storage.objects.insert")
            await self.before(self.fault)
            try:
                self._choose()
            except ApiError as error:
                self.refuse(error)

    def refuse(self, error: ApiError) -> None:
        """Answer when the whole body is read: a client that is still sending would never see it."""
        self.refused = error
        if self.request.method not in {"POST", "PUT", "DELETE"}:
            super().refuse(error)

    def data_received(self, chunk: bytes) -> None:
        """Take bytes as they come."""
        if self.sink is not None:
            self.sink.write(chunk)

    def on_connection_close(self) -> None:
        """Keep what has come of a resumable upload; nothing else."""
        self._clean_up()

    def on_finish(self) -> None:
        """Leave nothing aside."""
        self._clean_up()

    async def post(self, bucket: str) -> None:
        """Take an object, or begin a resumable upload."""
        if self.upload_id:
            await self.put(bucket)
            return
        sink = self._sink()
        kind = self.query.get("uploadType", "")
        digest = sink.close()
        if kind == "media":
            upload = self._upload(bucket, {}, self.request.headers.get("Content-Type"))
            await self._commit(upload, sink.path, digest)
        elif kind == "multipart":
            told, content = await self.in_thread(split_related, sink.path, self.request.headers.get("Content-Type", ""))
            try:
                await self._commit(self._upload(bucket, told.metadata, told.content_type), content, told.digest)
            finally:
                content.unlink(missing_ok=True)
        elif kind == "resumable":
            await self._begin(bucket, sink.path)
        else:
            raise bad_request(f"Invalid value for uploadType: '{kind}'")

    async def put(self, _bucket: str) -> None:
        """Take a chunk, or tell how much has come."""
        if self.refused is not None:
            raise self.refused
        asked = ContentRange.of(self.request.headers.get("Content-Range"))
        _, generation = self.storage.uploads.find(self.upload_id)
        if generation is not None:
            self._answer_object(await self.in_thread(self._done, generation))
            return
        if self.sink is not None:
            self.sink.close()
        received = self.storage.uploads.received(self.upload_id)
        is_whole = self.request.headers.get("Content-Range") is None or asked.total == received
        if not is_whole:
            self._answer_incomplete(received)
            return
        given = _given_hashes(self.request.headers.get("X-Goog-Hash", ""))
        made = await self.in_thread(lambda: self.storage.uploads.finish(self.upload_id, **given))
        self.after(self.fault)
        self._answer_object(made)

    async def delete(self, _bucket: str) -> None:
        """Cancel a resumable upload."""
        if self.refused is not None:
            raise self.refused
        self.storage.uploads.find(self.upload_id)
        with self.storage.uploads.claimed(self.upload_id):
            self.storage.uploads.cancel(self.upload_id)
        self.set_status(_CANCELLED, "Client Closed Request")

    def _choose(self) -> None:
        refuse(self.fault)
        # gcsfs sends chunks by POST, too.
        if self.upload_id and self.request.method != "DELETE":
            self._prepare_chunk()
        elif self.request.method == "POST":
            self.sink = Sink(self.storage.store.temporary())

    def _sink(self) -> Sink:
        if self.refused is not None or self.sink is None:
            raise self.refused or bad_request("There is no body.")
        return self.sink

    def _prepare_chunk(self) -> None:
        asked = ContentRange.of(self.request.headers.get("Content-Range"))
        _, generation = self.storage.uploads.find(self.upload_id)
        if generation is not None or asked.start is None:
            return
        received = self.storage.uploads.received(self.upload_id)
        if asked.start > received:
            raise ApiError(
                status="UNAVAILABLE",
                message=f"Invalid request. According to the Content-Range header, the upload offset is {asked.start} "
                f"byte(s), which exceeds already uploaded size of {received} byte(s).",
            )
        length = int(self.request.headers.get("Content-Length", "0"))
        if asked.total is None and self.request.headers.get("Content-Range") and length < SMALLEST_CHUNK:
            raise bad_request(
                "Invalid request. The number of bytes uploaded is required to be equal or greater than "
                f"{SMALLEST_CHUNK}, except for the final request. The received request contained {length} bytes."
            )
        self.storage.uploads.claim(self.upload_id)
        self.claimed = self.upload_id
        self.sink = Sink(self.storage.uploads.file(self.upload_id), start=asked.start)

    async def _begin(self, bucket: str, body: Path) -> None:
        told = _metadata(await self.in_thread(body.read_bytes))
        kind = self.request.headers.get("X-Upload-Content-Type")
        upload = self._upload(bucket, told, kind)
        upload_id = await self.in_thread(self.storage.uploads.begin, upload)
        self.after(self.fault)
        query = urlencode({"uploadType": "resumable", "upload_id": upload_id})
        self.set_header("Location", f"{self.base}{self.request.path}?{query}")
        self.set_header("X-GUploader-UploadID", upload_id)

    def _upload(self, bucket: str, told: dict[str, Any], content_type: str | None) -> Upload:
        kind = content_type or "application/octet-stream"
        return Upload.of(bucket, told, self.query, preconditions(self.query), kind)

    async def _commit(self, upload: Upload, content: Path, digest: Digest) -> None:
        upload.check(digest)
        store = self.storage.store
        made = await self.in_thread(
            lambda: store.commit(
                upload.bucket, upload.name, content, digest, properties=upload.properties, wanted=upload.wanted
            )
        )
        self.after(self.fault)
        self._answer_object(made)

    def _done(self, generation: int) -> StoredObject:
        upload, _ = self.storage.uploads.find(self.upload_id)
        found = self.storage.store.get(upload.bucket, upload.name, generation)
        return self.storage.store.digested(found)

    def _answer_object(self, made: StoredObject) -> None:
        self.answer(object_resource(made, self.base))

    def _answer_incomplete(self, received: int) -> None:
        self.set_status(_INCOMPLETE, "Resume Incomplete")
        if received:
            self.set_header("Range", f"bytes=0-{received - 1}")

    def _clean_up(self) -> None:
        sink, self.sink = self.sink, None
        if sink is not None:
            # What went wrong stands in the answer, if there was one.
            with contextlib.suppress(ApiError):
                sink.close()
            if self.claimed is None:
                sink.path.unlink(missing_ok=True)
        claimed, self.claimed = self.claimed, None
        if claimed is not None:
            self.storage.uploads.release(claimed)


def _metadata(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        told = json.loads(body)
    except ValueError:
        raise bad_request("Parse Error") from None
    if not isinstance(told, dict):
        raise bad_request("Parse Error")
    return told


def _given_hashes(header: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in header.split(",") if "=" in part]
    return {kind: value for kind, _, value in pairs if kind in {"crc32c", "md5"}}
