"""Who waits for another process that uploads a version is told so at once, and may stop waiting."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mlmagic.backends.google.vertex_models_lock import held_model
from mlmagic.workspace.layout import Workspace


@contextmanager
def forked(work: Callable[[int], None]) -> Iterator[tuple[int, int]]:
    """Do it in a process of its own; gives its number, and a descriptor of what it writes to the one that it gets."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            work(writing)
        except KeyboardInterrupt:
            os._exit(3)
        finally:
            os._exit(1)
    os.close(writing)
    try:
        yield pid, reading
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.model("houses").root.mkdir(parents=True)
    return workspace


def test_who_waits_is_told_for_whom(place: Workspace) -> None:
    def upload(writing: int) -> None:
        with held_model(place, "houses", "uploads houses@3 to Vertex AI", None):
            os.write(writing, b"held")
            signal.pause()

    told: list[str] = []
    with forked(upload) as (pid, reading):
        assert os.read(reading, 4) == b"held"

        def hear(line: str) -> None:
            told.append(line)
            os.kill(pid, signal.SIGTERM)  # it ends now, as it might in minutes

        with held_model(place, "houses", "moves", hear):
            pass
    assert told == ["another process uploads houses@3 to Vertex AI; waiting for it"]


def test_waiting_is_ended_by_an_interrupt(place: Workspace) -> None:
    def wait(writing: int) -> None:
        with held_model(place, "houses", "moves", lambda line: os.write(writing, line.encode()) and None):
            pass

    with held_model(place, "houses", "uploads houses@3 to Vertex AI", None), forked(wait) as (pid, reading):
        assert os.read(reading, 200).startswith(b"another process uploads houses@3")
        os.kill(pid, signal.SIGINT)
        assert os.read(reading, 200) == b""


def test_nothing_is_said_where_nobody_is_waited_for(place: Workspace) -> None:
    told: list[str] = []
    for _ in range(2):
        with held_model(place, "houses", "uploads houses@3 to Vertex AI", told.append):
            pass
    assert not told
    assert place.model("houses").upload_lock.read_text() == ""
