from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic.runtime import ports
from mlmagic.runtime.ports import FIRST, LAST, Ports

HOLD = """
import sys
from pathlib import Path
from mlmagic.runtime.ports import Ports
print(*Ports(Path(sys.argv[1])).hold(4, seed="same"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    held = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(20)]
    yield held
    for one in held:
        one.communicate()


def test_concurrent_clusters_have_ports_of_their_own(clusters: list[subprocess.Popen[str]]) -> None:
    found = [int(port) for one in clusters for port in (one.stdout or pytest.fail("no output")).readline().split()]
    assert len(set(found)) == 80
    assert all(FIRST <= port <= LAST for port in found)


def test_a_port_that_somebody_listens_on_is_passed_over(tmp_path: Path) -> None:
    (port,) = Ports(tmp_path / "a").hold(1, seed="x")
    with socket.create_server(("127.0.0.1", port)):
        assert Ports(tmp_path / "b").hold(1, seed="x") != [port]


def test_released_ports_are_free_again(tmp_path: Path) -> None:
    held = Ports(tmp_path)
    first = held.hold(2, seed="x")
    assert Ports(tmp_path).hold(2, seed="x") != first
    held.close()
    assert Ports(tmp_path).hold(2, seed="x") == first


def test_no_ports_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "LAST", FIRST + 1)
    with pytest.raises(OSError, match=r"no 3 ports between 20000 and 20001 are free"):
        Ports(tmp_path).hold(3, seed="x")
