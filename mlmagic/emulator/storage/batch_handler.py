"""Several requests in one: `/batch/storage/v1`."""

from __future__ import annotations

import email
import json
import re
import secrets
from email.message import Message
from http.client import responses
from urllib.parse import urlsplit

from mlmagic.emulator.errors import ApiError, bad_request
from mlmagic.emulator.storage.handler import StorageHandler, error_document, storage_call
from mlmagic.emulator.storage.object_handler import refuse
from mlmagic.emulator.storage.resources import API

_MOST = 100


class BatchHandler(StorageHandler):
    """Answers a multipart body by a multipart body."""

    async def post(self) -> None:
        """Do each of the requests, one after the other."""
        kind = self.request.headers.get("Content-Type", "")
        body = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\n\n" + self.request.body)
        if not body.is_multipart():
            raise bad_request("Failed to parse batch request: it is not multipart.")
        parts = [part for part in body.get_payload() if isinstance(part, Message)]
        if len(parts) > _MOST:
            raise bad_request(f"A batch must not have more than {_MOST} calls.")
        boundary = f"batch_{secrets.token_hex(16)}"
        answers = [await self.in_thread(self._answer, part) for part in parts]
        self.set_header("Content-Type", f"multipart/mixed; boundary={boundary}")
        for answer in answers:
            self.write(f"--{boundary}\r\n{answer}\r\n")
        self.write(f"--{boundary}--\r\n")

    def _answer(self, part: Message) -> str:
        code, document = self._do(str(part.get_payload()))
        identity = part.get("Content-ID", "").strip("<>")
        head = f"Content-Type: application/http\r\nContent-ID: <response-{identity}>\r\n\r\n"
        text = "" if document is None else json.dumps(document)
        line = f"HTTP/1.1 {code} {responses.get(code, 'Unknown')}\r\n"
        return f"{head}{line}Content-Type: application/json; charset=UTF-8\r\nContent-Length: {len(text)}\r\n\r\n{text}"

    def _do(self, text: str) -> tuple[int, object]:
        head, *rest = re.split(r"\r?\n\r?\n", text.lstrip(), maxsplit=1)
        verb, _, address = head.splitlines()[0].partition(" ")
        target = urlsplit(address.rpartition(" ")[0])
        path = target.path.removeprefix(self.prefix).removeprefix(API)
        try:
            call = storage_call(verb, path, target.query, "".join(rest).encode(), self.base)
            self.site.core.faults.note(call.method, {"bucket": call.bucket, "name": call.name, **call.query})
            refuse(self.site.core.faults.take(call.method))
            document = self.storage.api.do(call)
        except ApiError as error:
            return error.code, error_document(error)
        return (204, None) if document is None else (200, document)
