"""Copies for a shadow that is not there, or does not read: they are counted, and nobody waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.kept_endpoints import until

from mlmagic.serving.app.request import Dialect
from mlmagic.serving.shadow.tap import MOST_WAITING, ShadowTap
from mlmagic.spec.endpoint import Shadow

BODY = b"{}" * 5000


@pytest.fixture
def tap(tmp_path: Path) -> Iterator[ShadowTap]:
    tap = ShadowTap(Shadow(version=2, create_time=datetime.now(UTC)), tmp_path / "s")
    yield tap
    tap.close()


def offer(tap: ShadowTap, count: int, version: int = 1) -> None:
    for _ in range(count):
        tap.offer(version, Dialect.PREDICT, BODY, BODY, 0.001)


def test_copies_are_dropped_where_there_is_no_shadow(tap: ShadowTap) -> None:
    offer(tap, 10)
    offer(tap, 10, version=2)
    until(lambda: tap.dropped == 10)


def test_one_that_does_not_read_gets_no_more_than_the_queue_holds(tap: ShadowTap, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        offer(tap, 10)
        connection, _ = listener.accept()
        offer(tap, 3 * MOST_WAITING)
        dropped = tap.dropped
        assert dropped >= 2 * MOST_WAITING
        connection.close()
    until(lambda: tap.dropped == 3 * MOST_WAITING + 10)
