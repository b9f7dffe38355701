"""A server of this machine that alerts are sent to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def server(*codes: int) -> Iterator[tuple[str, list[tuple[int, str, dict[str, Any]]]]]:
    """Lend the address of a server, and what it was sent; it answers with these codes first, and then with 200."""
    left = list(codes)
    got: list[tuple[int, str, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = left.pop(0) if left else 200
            got.append((code, self.path, sent))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/hooks/secret", got
        finally:
            http.shutdown()
            thread.join()
