"""`PORT CLIENTS SECONDS`, and requests on standard input: asks as fast as answers come; prints how many, how long."""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

_OK = b"HTTP/1.1 200"
_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length: "


def main() -> None:
    port, clients, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    asked = sys.stdin.buffer.read().split(b"\0")
    waiting = selectors.DefaultSelector()
    for number in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(asked[number % len(asked)])
        waiting.register(client, selectors.EVENT_READ, bytearray())
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for key, _ in waiting.select(1.0):
            connection, received = key.fileobj, key.data
            assert isinstance(connection, socket.socket)  # noqa: S101 - what was registered
            received += connection.recv(1 << 16)
            if is_whole(received):
                received.clear()
                count += 1
                connection.sendall(asked[count % len(asked)])
    print(json.dumps([count, time.perf_counter() - start]))


def is_whole(received: bytearray) -> bool:
    """Say whether an answer is whole.

    Raises:
        RuntimeError: it is no prediction.
    """
    head = received.find(_HEAD_END)
    if head < 0:
        return False
    if not received.startswith(_OK):
        raise RuntimeError(received.decode())
    start = received.find(_LENGTH) + len(_LENGTH)
    size = int(received[start : received.find(b"\r", start)])
    return len(received) >= head + len(_HEAD_END) + size


if __name__ == "__main__":
    main()
