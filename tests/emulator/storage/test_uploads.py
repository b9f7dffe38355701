"""Resumable uploads that break off, and emulators that are killed meanwhile."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from mlmagic.emulator.launch import Emulator, emulator, start_child, wait_until_it_answers

PIECE = 256 << 10
DATA = os.urandom(3 * PIECE + 17)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def begin(session: requests.Session, started: Emulator, name: str, **query: str) -> str:
    address = f"{started.environment['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{started.bucket}/o"
    answer = session.post(
        address, params={"uploadType": "resumable", "name": name, **query}, json={"metadata": {"a": "b"}}
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["Location"]


def send(session: requests.Session, address: str, start: int, end: int, total: int | str = "*") -> requests.Response:
    asked = f"bytes {start}-{end - 1}/{total}"
    return session.put(address, data=DATA[start:end], headers={"Content-Range": asked}, allow_redirects=False)


def received(session: requests.Session, address: str) -> tuple[int, str | None]:
    answer = session.put(address, headers={"Content-Range": "bytes */*"}, allow_redirects=False)
    return answer.status_code, answer.headers.get("Range")


def go_on(session: requests.Session, address: str) -> requests.Response:
    _, has = received(session, address)
    start = 0 if has is None else int(has.rpartition("-")[2]) + 1
    assert start <= PIECE
    return send(session, address, start, len(DATA), len(DATA))


def content(started: Emulator, name: str) -> bytes:
    return (started.buckets / started.bucket / name).read_bytes()


def send_half(verb: str, address: str, started: Emulator, header: str) -> None:
    """Begin a request with the whole data, and break off after a piece."""
    host, _, path = address.removeprefix("http://").partition("/")
    head = f"{verb} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(DATA)}\r\n{header}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", started.address.port)) as connection:
        connection.sendall(head.encode() + DATA[:PIECE])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_upload_tells_how_far_it_is_and_goes_on(session: requests.Session, emulator: Emulator) -> None:
    address = begin(session, emulator, "a/b")
    assert received(session, address) == (308, None)
    assert send(session, address, 0, PIECE).headers["Range"] == f"bytes=0-{PIECE - 1}"
    assert received(session, address) == (308, f"bytes=0-{PIECE - 1}")
    # What has come already may come again.
    assert send(session, address, 0, 2 * PIECE).status_code == 308

    done = send(session, address, 2 * PIECE, len(DATA), len(DATA))

    assert (done.status_code, done.json()["size"], done.json()["metadata"]) == (200, str(len(DATA)), {"a": "b"})
    assert content(emulator, "a/b") == DATA
    assert session.put(address, headers={"Content-Range": f"bytes */{len(DATA)}"}).json() == done.json()


def test_a_gap_and_a_small_piece_are_refused(session: requests.Session, emulator: Emulator) -> None:
    address = begin(session, emulator, "gap")

    gap, small = send(session, address, PIECE, 2 * PIECE), send(session, address, 0, 100)

    assert (gap.status_code, small.status_code) == (503, 400)
    assert "exceeds already uploaded size of 0 byte(s)" in gap.json()["error"]["message"]
    assert "is required to be equal or greater than 262144" in small.json()["error"]["message"]
    assert received(session, address) == (308, None)


def test_a_cancelled_upload_is_gone(session: requests.Session, emulator: Emulator) -> None:
    before = set((emulator.root / "incoming").iterdir())
    address = begin(session, emulator, "cancelled")
    send(session, address, 0, PIECE)

    assert session.delete(address).status_code == 499
    assert received(session, address)[0] == 404
    assert set((emulator.root / "incoming").iterdir()) == before


def test_a_precondition_is_looked_at_when_it_ends(session: requests.Session, emulator: Emulator) -> None:
    address = begin(session, emulator, "raced", ifGenerationMatch="0")
    (emulator.buckets / emulator.bucket / "raced").write_text("other")

    assert send(session, address, 0, len(DATA), len(DATA)).status_code == 412
    assert content(emulator, "raced") == b"other"


def test_what_a_client_that_dies_has_sent_is_kept_of_a_resumable_upload_alone(
    session: requests.Session, emulator: Emulator
) -> None:
    address = begin(session, emulator, "broken")
    incoming = emulator.root / "incoming"
    before = set(incoming.iterdir())

    send_half("PUT", address, emulator, f"Content-Range: bytes 0-{len(DATA) - 1}/{len(DATA)}")
    send_half("POST", f"{address.partition('?')[0]}?uploadType=media&name=half", emulator, "Content-Type: text/plain")

    wait_for(lambda: set(incoming.iterdir()) == before)
    # Until the emulator has noticed, it keeps others from the upload.
    wait_for(lambda: go_on(session, address).status_code == 200)
    assert content(emulator, "broken") == DATA
    assert not (emulator.buckets / emulator.bucket / "half").exists()


def test_a_name_may_be_anything(session: requests.Session, emulator: Emulator) -> None:
    address = begin(session, emulator, quote("ü/ü"), ifGenerationMatch="0")

    assert send(session, address, 0, len(DATA), len(DATA)).json()["name"] == quote("ü/ü")


def test_an_upload_goes_on_after_a_kill(session: requests.Session, tmp_path: Path) -> None:
    child = start_child(tmp_path)
    started = wait_until_it_answers(tmp_path, child)
    address = begin(session, started, "a")
    assert send(session, address, 0, 2 * PIECE).status_code == 308
    child.kill()
    child.wait()
    assert child.stdin is not None
    child.stdin.close()
    session.close()

    with emulator(tmp_path) as again:
        assert received(session, address) == (308, f"bytes=0-{2 * PIECE - 1}")
        assert send(session, address, 2 * PIECE, len(DATA), len(DATA)).status_code == 200
        assert content(again, "a") == DATA
