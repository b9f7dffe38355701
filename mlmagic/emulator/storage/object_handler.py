"""The addresses below `/storage/v1` and `/download`: methods that carry no bytes, and objects on their way out."""

from __future__ import annotations

import dataclasses
import gzip
import re
from email.utils import formatdate
from typing import IO

from mlmagic.emulator.errors import ApiError, of_http_status
from mlmagic.emulator.faults import Fault
from mlmagic.emulator.storage.api import StorageCall
from mlmagic.emulator.storage.handler import StorageHandler
from mlmagic.emulator.storage.preconditions import number, preconditions
from mlmagic.emulator.storage.resources import API, etag
from mlmagic.emulator.storage.rows import Stamp
from mlmagic.emulator.storage.store import StoredObject, numbers_of

_CHUNK = 256 << 10
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_NO_CONTENT = 204


class ObjectHandler(StorageHandler):
    """Everything below `/storage/v1` and `/download/storage/v1`."""

    async def _serve(self) -> None:
        # As it came: what tornado takes out of it is decoded already.
        path = self.request.path.removeprefix("/download").removeprefix(API)
        call = self.call_of(self.request.method or "", path, self.request.body)
        self.site.core.faults.note(call.method, {"bucket": call.bucket, "name": call.name, **call.query})
        fault = self.site.core.faults.take(call.method)
        await self.before(fault)
        refuse(fault)
        if fault is not None and fault.deny:
            call = dataclasses.replace(
                call, permissions=tuple(one for one in call.permissions if one not in fault.deny)
            )
        if call.method == "storage.objects.get" and call.query.get("alt") == "media":
            await self._send(call)
            return
        try:
            document = await self.in_thread(self.storage.api.do, call)
        finally:
            self.after(fault)
        if document is None:
            self.set_status(_NO_CONTENT)
            self.clear_header("Content-Type")
        else:
            self.answer(document)

    get = post = put = patch = delete = _serve

    async def _send(self, call: StorageCall) -> None:
        found, file = await self.in_thread(self._open, call)
        with file:
            self._describe(found)
            if self._is_to_be_unpacked(found):
                self.write(await self.in_thread(lambda: gzip.decompress(file.read())))
                return
            start, end = self._range(found)
            self.set_header("Content-Length", str(end - start))
            if found.known.properties.get("contentEncoding"):
                self.set_header("Content-Encoding", found.known.properties["contentEncoding"])
            file.seek(start)
            while start < end:
                data = await self.in_thread(file.read, min(_CHUNK, end - start))
                if not data:
                    # A job has cut it short meanwhile; a client must not take it for the whole.
                    self.drop()
                self.write(data)
                await self.flush()
                start += len(data)

    def _open(self, call: StorageCall) -> tuple[StoredObject, IO[bytes]]:
        """Return the object as it is in the file that is opened: another may take its name at any time."""
        import os

        store = self.storage.store
        while True:
            found = store.digested(store.get(call.bucket, call.name, number(call.query, "generation")))
            preconditions(call.query).check(*numbers_of(found), reading=True)
            try:
                file = found.path.open("rb")
            except FileNotFoundError:
                continue
            opened = store.at(call.bucket, call.name, found.path, Stamp.of_stat(os.fstat(file.fileno())))
            if opened.known.generation == found.known.generation:
                return found, file
            file.close()

    def _describe(self, found: StoredObject) -> None:
        properties = found.known.properties
        hashes = {"crc32c": found.known.crc32c, "md5": found.known.md5}
        headers = {
            "Content-Type": properties.get("contentType", "application/octet-stream"),
            "ETag": f'"{etag(found)}"',
            "Last-Modified": formatdate(found.stamp.mtime_ns / 1e9, usegmt=True),
            "Cache-Control": properties.get("cacheControl"),
            "Content-Disposition": properties.get("contentDisposition"),
            "X-Goog-Generation": str(found.known.generation),
            "X-Goog-Metageneration": str(found.known.metageneration),
            "X-Goog-Hash": ",".join(f"{kind}={value}" for kind, value in hashes.items() if value),
            "X-Goog-Stored-Content-Length": str(found.size),
            "X-Goog-Stored-Content-Encoding": properties.get("contentEncoding", "identity"),
            "X-Goog-Storage-Class": "STANDARD",
        }
        for name, value in headers.items():
            if value is not None:
                self.set_header(name, value)

    def _is_to_be_unpacked(self, found: StoredObject) -> bool:
        # Decompressive transcoding: a client that does not take gzip gets what was packed.
        is_packed = found.known.properties.get("contentEncoding") == "gzip"
        return is_packed and "gzip" not in self.request.headers.get("Accept-Encoding", "")

    def _range(self, found: StoredObject) -> tuple[int, int]:
        """Return the first byte that is asked for, and the one after the last.

        Raises:
            ApiError: 416.
        """
        asked = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        if asked is None or not any(asked.groups()):
            return 0, found.size
        first, last = asked.groups()
        start = int(first) if first else max(0, found.size - int(last))
        end = min(int(last) + 1, found.size) if first and last else found.size
        if start >= found.size or start >= end:
            self.set_header("Content-Range", f"bytes */{found.size}")
            raise ApiError(status="OUT_OF_RANGE", code=416, message="The requested range cannot be satisfied.")
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {start}-{end - 1}/{found.size}")
        return start, end


def refuse(fault: Fault | None) -> None:
    """Raise the error that a fault asks for."""
    if fault is not None and fault.status is not None:
        raise of_http_status(fault.status, fault.message)
