from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mlmagic.spec import codec
from mlmagic.workspace import processes
from mlmagic.workspace.processes import (
    ProcessIdentity,
    heartbeat_age,
    is_alive,
    is_elsewhere,
    is_gone,
    is_stopped,
    same_boot,
)


def test_this_process_is_alive_and_reads_back() -> None:
    identity = ProcessIdentity.current()
    assert identity.pid == os.getpid()
    assert is_alive(identity)
    assert codec.loads(ProcessIdentity, codec.dumps(identity)) == identity


def test_the_number_given_to_another_process_is_not_it() -> None:
    identity = ProcessIdentity.current()
    assert not is_alive(replace(identity, start_time=identity.start_time - 1))


def test_after_a_restart_of_the_machine_nothing_is_alive() -> None:
    identity = ProcessIdentity.current(boot_id="before")
    assert is_alive(identity, boot_id="before")
    assert not is_alive(identity)
    assert not same_boot(identity)


def test_a_zombie_is_dead() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None
        assert is_alive(identity)
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(identity)
        assert ProcessIdentity.of(process.pid) is None


def test_a_program_may_have_spaces_and_parentheses_in_its_name(tmp_path: Path) -> None:
    program = tmp_path / "a) R (b"
    shutil.copy(shutil.which("sleep"), program)
    with subprocess.Popen([program, "60"]) as process:
        identity = ProcessIdentity.of(process.pid)
        process.kill()
    assert identity is not None
    assert identity.start_time >= ProcessIdentity.current().start_time


def test_where_there_is_no_proc_psutil_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path / "stat")
    monkeypatch.setattr(processes, "_BOOT_ID", tmp_path / "boot_id")
    identity = ProcessIdentity.current()
    assert identity.start_time == int(psutil.Process().create_time() * 1_000_000)
    assert identity.boot_id == str(int(psutil.boot_time()))
    assert is_alive(identity)


def test_psutil_too_takes_zombies_and_strangers_for_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path / "stat")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert ProcessIdentity.of(process.pid) is None
    assert ProcessIdentity.of(process.pid) is None


def test_an_older_identity_is_of_this_machine() -> None:
    identity = replace(ProcessIdentity.current(), host=None, namespace=None)
    assert codec.loads(ProcessIdentity, codec.dumps(identity)) == identity
    assert is_alive(identity)
    assert not is_elsewhere(identity, boot_id="another")


@pytest.mark.parametrize("change", [{"namespace": "pid:[1]"}, {"host": "attic", "boot_id": "its own"}])
def test_elsewhere_the_heartbeat_tells_and_no_number(change: dict[str, str], tmp_path: Path) -> None:
    identity, heartbeat = replace(ProcessIdentity.current(), **change), tmp_path / "claim"
    assert is_elsewhere(identity)
    assert not is_alive(identity)
    assert is_gone(identity, heartbeat)
    heartbeat.touch()
    assert not is_gone(identity, heartbeat)
    os.utime(heartbeat, (time.time() - 61,) * 2)
    assert is_gone(identity, heartbeat)


def test_the_same_kernel_under_another_name_is_here() -> None:
    assert is_alive(replace(ProcessIdentity.current(), host="renamed"))


def test_a_restarted_machine_is_here_and_its_processes_are_gone(tmp_path: Path) -> None:
    identity, heartbeat = ProcessIdentity.current(boot_id="before"), tmp_path / "claim"
    heartbeat.touch()
    assert not is_elsewhere(identity)
    assert is_gone(identity, heartbeat)


def test_a_heartbeat_from_the_future_is_fresh(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    assert heartbeat_age(path) is None
    path.touch()
    os.utime(path, (time.time() + 3600,) * 2)
    assert heartbeat_age(path) == 0.0


def test_a_stopped_process_is_told_from_one_that_runs() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not is_stopped(process.pid)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        assert is_stopped(process.pid)
        process.kill()
