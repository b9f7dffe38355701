"""The two parts of a multipart upload: metadata, and the object's bytes, copied out of the request's body."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlmagic.emulator.errors import bad_request
from mlmagic.emulator.storage.digests import CHUNK, Digest, RunningDigest
from mlmagic.emulator.storage.store import refusals

_BOUNDARY = re.compile(r"""boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))""", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LARGEST_HEAD = 1 << 20
"""Bytes of metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """What a multipart request says about the object in it."""

    metadata: dict[str, Any]
    content_type: str | None
    digest: Digest


def boundary_of(content_type: str) -> bytes:
    """Return what separates the parts.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise bad_request("Failed to parse Content-Type header: it has no boundary.")
    return b"--" + next(group for group in found.groups() if group).encode()


def split_related(body: Path, content_type: str) -> tuple[Related, Path]:
    """Return what a request says, and a file beside its body that has the object's bytes.

    Raises:
        ApiError: INVALID_ARGUMENT, or a full disk; then there is no file.
    """
    boundary = boundary_of(content_type)
    content = body.with_suffix(".content")
    try:
        with refusals(), body.open("rb") as file, content.open("xb") as target:
            content.chmod(0o600)
            head = file.read(_LARGEST_HEAD)
            metadata, kind, start = _head(head, boundary)
            digest = _copy(file, target, start, _end(file, boundary))
    except BaseException:
        content.unlink(missing_ok=True)
        raise
    return Related(metadata=metadata, content_type=kind, digest=digest), content


def _head(head: bytes, boundary: bytes) -> tuple[dict[str, Any], str | None, int]:
    """Return the metadata, the content's type, and where the content begins."""
    first = head.find(boundary)
    second = head.find(b"\n" + boundary, first + 1)
    begin = _BLANK_LINE.search(head, first)
    content = None if second < 0 else _BLANK_LINE.search(head, second + 1)
    if first < 0 or begin is None or content is None or begin.end() > second + 1:
        raise bad_request("Malformed multipart body.")
    try:
        metadata = json.loads(head[begin.end() : second] or b"{}")
    except ValueError:
        raise bad_request("Parse Error") from None
    if not isinstance(metadata, dict):
        raise bad_request("Parse Error")
    kind = re.search(rb"content-type:\s*([^\r\n]+)", head[second : content.start()], re.IGNORECASE)
    return metadata, None if kind is None else kind[1].decode("latin-1").strip(), content.end()


def _end(file: IO[bytes], boundary: bytes) -> int:
    """Return where the content ends: at the line break before the last boundary."""
    size = file.seek(0, 2)
    start = max(0, size - len(boundary) - 64)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"\n" + boundary)
    if place < 0:
        raise bad_request("Malformed multipart body.")
    if tail[place - 1 : place] == b"\r":
        place -= 1
    return start + place


def _copy(file: IO[bytes], target: IO[bytes], start: int, end: int) -> Digest:
    running = RunningDigest()
    file.seek(start)
    while start < end and (data := file.read(min(CHUNK, end - start))):
        running.add(data)
        target.write(data)
        start += len(data)
    return running.result()
