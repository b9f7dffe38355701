"""The process: started, found, killed, started again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mlmagic.emulator import ending
from mlmagic.emulator.launch import (
    Emulator,
    answers,
    emulator,
    end_child,
    ensure_emulator,
    find_emulator,
    start_child,
    wait_until_it_answers,
)
from mlmagic.errors import BackendError


def gone(process: psutil.Process) -> bool:
    _, alive = psutil.wait_procs([process], timeout=60)
    return not alive


def test_it_answers_inside_the_block_and_is_gone_after(tmp_path: Path) -> None:
    with emulator(tmp_path, project="my-project", region="europe-west4") as started:
        assert (started.project, started.region, started.bucket) == ("my-project", "europe-west4", "my-project-bucket")
        assert find_emulator(tmp_path) == started

    assert find_emulator(tmp_path) is None
    assert not answers(started.address)


def test_what_it_writes_is_for_its_user_alone(tmp_path: Path) -> None:
    with emulator(tmp_path / "root"):
        files = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
        assert {"address.json", "credentials.json", "state.db", "objects.db"} <= {path.name for path in files}
        assert {oct(path.stat().st_mode & 0o077) for path in files if not path.name.endswith(("-wal", "-shm"))} == {
            "0o0"
        }
        assert (tmp_path / "root").stat().st_mode & 0o777 == 0o700


def test_after_a_kill_it_is_the_same_one(tmp_path: Path) -> None:
    child = start_child(tmp_path)
    before = wait_until_it_answers(tmp_path, child)
    child.kill()
    child.wait()
    assert child.stdin is not None
    child.stdin.close()

    with emulator(tmp_path) as after:
        assert (after.url, after.token, after.project) == (before.url, before.token, before.project)
        assert after.environment == before.environment


def test_there_is_one_for_a_folder(tmp_path: Path) -> None:
    with emulator(tmp_path) as first:
        second = start_child(tmp_path)
        with pytest.raises(BackendError, match=f"another emulator runs in {tmp_path}"):
            wait_until_it_answers(tmp_path, second)
        end_child(second)
        assert find_emulator(tmp_path) == first


def test_it_ends_with_the_process_that_has_started_it(tmp_path: Path) -> None:
    source = f"""
import os, signal
from pathlib import Path
from mlmagic.emulator.launch import start_child, wait_until_it_answers
root = Path({str(tmp_path)!r})
wait_until_it_answers(root, start_child(root))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", source], check=False)

    pid = json.loads((tmp_path / "address.json").read_text("utf-8"))["process"]["pid"]
    assert not psutil.pid_exists(pid) or gone(psutil.Process(pid))


def test_a_detached_one_is_found_again(tmp_path: Path) -> None:
    started = ensure_emulator(tmp_path)
    process = psutil.Process(started.address.process.pid)
    try:
        assert process.ppid() != psutil.Process().pid
        assert ensure_emulator(tmp_path) == started == Emulator(root=tmp_path, address=started.address)
    finally:
        process.terminate()
        assert gone(process)


def test_it_is_ended_by_a_command(tmp_path: Path) -> None:
    process = psutil.Process(ensure_emulator(tmp_path).address.process.pid)
    command = [sys.executable, "-m", "mlmagic.emulator", "--stop", "--root", str(tmp_path)]
    said = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert gone(process)
    assert said == [f"the emulator in {tmp_path} was ended\n", f"no emulator runs in {tmp_path}\n"]


def test_one_that_hangs_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_END_SECONDS", 0.2)
    process = psutil.Process(ensure_emulator(tmp_path).address.process.pid)
    process.suspend()
    assert ending.stop_emulator(tmp_path)
    assert gone(process)


def test_it_ends_when_its_folder_is_gone(tmp_path: Path) -> None:
    process = psutil.Process(ensure_emulator(tmp_path / "root").address.process.pid)
    shutil.rmtree(tmp_path / "root")
    assert gone(process)
    assert not (tmp_path / "root").exists()
