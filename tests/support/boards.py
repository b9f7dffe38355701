"""Boards: logs to be shown, and what a browser would get."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.event_files import event, record

from mlmagic.api.boards import boards
from mlmagic.session import Session

PATIENCE_SECONDS = 60.0


def events(*values: float) -> bytes:
    """Return the bytes of an event file with the scalar `loss`."""
    return b"".join(record(event(step, loss=value)) for step, value in enumerate(values))


def write_events(folder: Path, *values: float) -> None:
    """Write an event file with the scalar `loss`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.out.tfevents.1.host").write_bytes(events(*values))


def ask(url: str, path: str = "", **headers: str) -> tuple[int, bytes]:
    """Return status and body of an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", parts.path + path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def read_json(url: str, path: str) -> Any:
    """Return what TensorBoard answers."""
    status, body = ask(url, path)
    assert status == 200, body
    return json.loads(body)


def wait_for_runs(url: str, *runs: str) -> None:
    """Return when these are the runs that have scalars."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := sorted(read_json(url, "data/plugin/scalars/tags"))) != sorted(runs):
        assert time.monotonic() < deadline, f"the runs are {found}"
        time.sleep(0.05)


@contextmanager
def no_board_left(session: Session) -> Iterator[Session]:
    """Lend a session, and end what boards it started."""
    try:
        yield session
    finally:
        for board in boards(session=session):
            board.stop()
        session.close()
