"""HTTP as uvicorn speaks it, with a bound on what may come before the body: nobody has shown a token by then."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 1 << 16
"""Bytes of a request's path and headers, and of what may follow a body in parts."""
_HEADER_COST = 32
"""Bytes that count for each header beside its own: small ones take a hundred times their size of memory."""
_TOO_LONG = b"the path and the headers have more bytes than this endpoint takes"


class Protocol(HttpToolsProtocol):
    """Refuses a request with a long head. uvicorn would keep all of it, and let everybody wait meanwhile."""

    _head = 0
    _unread = 0
    """Bytes since the parser last told of anything: it keeps a header that has no end, and tells nothing of it."""

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > LONGEST_HEAD and not self.transport.is_closing():
            self._head = self._unread
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head = self._unread = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, which has a limit of its own."""
        self._unread = 0
        super().on_body(body)

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or one of those that follow a body."""
        self._count(len(name) + len(value) + _HEADER_COST)
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not understood, and hang up."""
        if self._head <= LONGEST_HEAD:
            super().send_400_response(msg)
            return
        head = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
        self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(_TOO_LONG) + _TOO_LONG)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._unread = 0
        self._head += size
        if self._head > LONGEST_HEAD:
            # The parser stops at any error, and uvicorn calls `send_400_response`.
            raise ValueError("the head of the request is too long")
