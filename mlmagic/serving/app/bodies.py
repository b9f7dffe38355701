"""The body of a request: read up to the limit, inflated up to the limit."""

from __future__ import annotations

import asyncio
import zlib

from mlmagic.serving.app.access import Headers
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.watch import Receive

_ENCODINGS = {b"gzip": 16 + zlib.MAX_WBITS, b"x-gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}


class ClientGoneError(Exception):
    """Nobody is there to be answered."""


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        RequestFailed: it is too large, or in an encoding that is not known.
        ClientGoneError: it will not come.
    """
    if b"expect" in headers or b"content-encoding" in headers:
        # What is refused need not be sent.
        _check_announced(headers, limit)
        _check_encoding(headers)
    message = await receive()
    if message.get("more_body"):
        _check_announced(headers, limit)
        body = await _read_rest(message["body"], receive, limit)
    elif message["type"] == "http.disconnect":
        raise ClientGoneError
    else:
        body = message.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    return await _inflated(headers, body, limit) if b"content-encoding" in headers else body


async def _read_rest(first: bytes, receive: Receive, limit: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _check_announced(headers: Headers, limit: int) -> None:
    announced = headers.get(b"content-length", b"0")
    # Python refuses to read numbers of thousands of digits, which may be but zeros.
    if not announced.isdigit() or len(announced) > 20 or int(announced) > limit:
        raise _too_large(limit)


def _check_encoding(headers: Headers) -> None:
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity" and encoding not in _ENCODINGS:
        told = encoding.decode("latin-1")
        raise RequestFailed(415, f'the Content-Encoding "{told:.40}" is not known here; gzip, deflate and none are')


async def _inflated(headers: Headers, body: bytes, limit: int) -> bytes:
    window = _ENCODINGS.get(headers[b"content-encoding"].strip().lower())
    # Some MB take a while: meanwhile others are answered.
    return body if window is None else await asyncio.to_thread(_inflate, body, window, limit)


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window)
    try:
        inflated = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestFailed(400, f"the body is not what its Content-Encoding says: {error}") from error
    if len(inflated) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise RequestFailed(400, "the body is not what its Content-Encoding says: it ends too early or too late")
    return inflated


def _too_large(limit: int) -> RequestFailed:
    return RequestFailed(
        413,
        f"the body has more than the {limit:,} bytes that this endpoint takes",
        hint="Send fewer instances at once.",
    )
