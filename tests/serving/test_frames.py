"""What is sent comes out the same on the other side."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from mlmagic.serving import frames


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_columns_come_out_as_they_went_in(ends: tuple[socket.socket, socket.socket]) -> None:
    texts = np.array([["a", b"\xff"], ["", "ü"]], dtype=object)
    columns = {
        "n": np.arange(6, dtype="int16").reshape(2, 3)[:, ::2],
        "t": texts,
        "r": [[1], []],
        "b": np.array([True]),
    }
    frames.send(ends[0], {"id": 7}, columns)
    header, received = frames.receive(ends[1])
    assert header == {"id": 7}
    assert received["n"].tolist() == [[0, 2], [3, 5]]
    assert received["t"].tolist() == [[b"a", b"\xff"], [b"", "ü".encode()]]
    assert (received["r"], received["b"].dtype) == ([[1], []], bool)


def test_a_frame_larger_than_the_sockets_buffer_arrives(ends: tuple[socket.socket, socket.socket]) -> None:
    column = np.arange(1_000_000, dtype="float64")
    sender = threading.Thread(target=frames.send, args=(ends[0], {}, {"x": column}))
    sender.start()
    _, received = frames.receive(ends[1])
    sender.join()
    assert (received["x"] == column).all()


def test_the_end_of_the_connection_is_no_frame(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].sendall(b"\x01")
    ends[0].close()
    with pytest.raises(EOFError):
        frames.receive(ends[1])


def test_a_frame_that_does_not_come_in_time_is_told(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        frames.receive(ends[1], time.monotonic() + 0.01)
    with pytest.raises(TimeoutError):
        frames.receive(ends[1], time.monotonic() - 1)
