from __future__ import annotations

import os
import shutil
import signal
import site
import socket
import stat
import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import pytest
from support.agents import until
from support.boards import ask, no_board_left, wait_for_runs, write_events

from mlmagic.errors import BackendError
from mlmagic.session import Session
from mlmagic.spec.board import BoardSource, BoardSpec
from mlmagic.spec.codec import dumps, loads
from mlmagic.tensorboards import launch, record
from mlmagic.tensorboards.launch import ensure_board, package_folders, stop_board
from mlmagic.tensorboards.record import board_folder, key_of, read_spec, running_boards
from mlmagic.workspace.processes import is_alive


@pytest.fixture
def workspace(tmp_path):
    with no_board_left(Session(environ={}, start=tmp_path)) as session:
        yield session.workspace


@pytest.fixture
def spec(workspace, tmp_path):
    write_events(tmp_path / "logs/train", 0.5, 0.25)
    source = BoardSource(name="logs", folder=str(tmp_path / "logs"))
    return BoardSpec(sources=(source,), workspace=str(workspace.root))


@pytest.fixture
def bare(tmp_path):
    """An interpreter with nothing installed, as that of a hub on which `pip install` goes to the user's own folder."""
    venv.create(tmp_path / "bare", symlinks=True)
    return str(tmp_path / "bare/bin/python")


def test_one_that_cannot_be_killed_is_told(workspace, spec, monkeypatch):
    board = ensure_board(workspace, spec)
    with monkeypatch.context() as patch:
        patch.setattr(launch, "_END_SECONDS", 0.05)
        patch.setattr(launch, "_signal", lambda *_: None)
        with pytest.raises(BackendError, match=f"logs does not end: its process {board.process.pid}"):
            stop_board(board_folder(workspace, board.key), board)
    stop_board(board_folder(workspace, board.key), board)


def test_it_answers_below_its_prefix_alone_and_tells_the_secret_to_nobody(workspace, spec):
    board = ensure_board(workspace, spec)
    wait_for_runs(board.url, "logs/train")
    outside = f"http://127.0.0.1:{board.port}/"
    assert [ask(outside, path)[0] for path in ("", "data/runs", "-/alive")] == [404, 404, 404]
    assert ask(board.url, Host="evil.example")[0] == 403
    folder, secret = board_folder(workspace, board.key), board.prefix[1:]
    process = Path(f"/proc/{board.process.pid}")
    told = [process / "cmdline", process / "environ", folder.log, folder.spec]
    assert not any(secret in path.read_text() for path in told)
    assert stat.S_IMODE(folder.record.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700


def test_the_same_board_is_found_again_and_another_is_another(workspace, spec, tmp_path):
    board = ensure_board(workspace, spec)
    assert ensure_board(workspace, spec) == board
    other = BoardSpec(sources=(BoardSource(name="b", folder=str(tmp_path)),), workspace=spec.workspace)
    assert key_of(other) != board.key
    both = BoardSpec(sources=(*other.sources, *spec.sources), workspace=spec.workspace)
    turned = BoardSpec(sources=(*spec.sources, *other.sources), workspace=spec.workspace)
    assert key_of(both) == key_of(turned)


def test_several_kernels_at_once_get_one_board(workspace, spec, tmp_path):
    program = (
        "import sys; from pathlib import Path; from mlmagic.spec.board import BoardSpec; "
        "from mlmagic.spec.codec import loads; from mlmagic.workspace.layout import Workspace; "
        "from mlmagic.tensorboards.launch import ensure_board; spec = loads(BoardSpec, sys.argv[1]); "
        "print(ensure_board(Workspace(Path(spec.workspace)), spec).url)"
    )
    command = [sys.executable, "-c", program, dumps(spec)]
    kernels = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {kernel.communicate()[0] for kernel in kernels}
    assert told == {f"{board.url}\n" for board in running_boards(workspace)}
    assert len(told) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_was_ended_is_noticed_and_another_has_another_secret(workspace, spec, number):
    board = ensure_board(workspace, spec)
    os.kill(board.process.pid, number)
    until(lambda: not is_alive(board.process))
    assert list(running_boards(workspace)) == []
    after = ensure_board(workspace, spec)
    assert after.prefix != board.prefix
    wait_for_runs(after.url, "logs/train")


def test_one_that_hangs_is_replaced(workspace, spec, monkeypatch):
    board = ensure_board(workspace, spec)
    os.kill(board.process.pid, signal.SIGSTOP)
    monkeypatch.setattr(launch, "_ANSWER_SECONDS", 0.5)
    after = ensure_board(workspace, spec)
    assert not is_alive(board.process)
    assert is_alive(after.process)


def test_what_is_left_of_it_is_what_it_showed(workspace, spec):
    board = ensure_board(workspace, spec)
    folder = board_folder(workspace, board.key)
    stop_board(folder, board)
    assert not is_alive(board.process)
    assert list(folder.root.parent.iterdir()) == [folder.root]
    assert list(folder.root.iterdir()) == [folder.spec]
    assert read_spec(folder) == spec


def test_it_ends_with_its_workspace(workspace, spec):
    board = ensure_board(workspace, spec)
    shutil.rmtree(workspace.root)
    until(lambda: not is_alive(board.process))
    assert not board_folder(workspace, board.key).root.exists()


def test_it_ends_when_nobody_looks(workspace, spec, monkeypatch):
    monkeypatch.setenv("MLMAGIC_BOARD_IDLE_SECONDS", "1")
    board = ensure_board(workspace, spec)
    until(lambda: not is_alive(board.process))
    assert list(running_boards(workspace)) == []


def test_of_many_that_ended_the_oldest_are_forgotten(workspace, spec, monkeypatch):
    monkeypatch.setattr(record, "_MOST_ENDED", 2)
    beside = board_folder(workspace, key_of(spec)).root.parent
    for number in range(4):
        (beside / f"b{number:015}").mkdir(parents=True)
        os.utime(beside / f"b{number:015}", (number, number))
    board = ensure_board(workspace, spec)
    assert sorted(path.name for path in beside.iterdir() if path.is_dir()) == sorted(
        [board.key, f"b{2:015}", f"b{3:015}"]
    )


def test_it_listens_where_it_is_told_to(workspace, spec):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BackendError, match=rf"  - port {port} cannot be had: choose another, or leave --port out"):
            ensure_board(workspace, replace(spec, flags={"port": str(port)}))
    assert ensure_board(workspace, replace(spec, flags={"port": str(port)})).port == port


@pytest.mark.parametrize("flags", [{"load_fast": "auto"}, {"reload_task": "blocking", "reload_interval": "0"}])
def test_flags_are_those_of_tensorboard(workspace, spec, flags):
    board = ensure_board(workspace, replace(spec, flags=flags))
    wait_for_runs(board.url, "logs/train")


def test_what_it_said_is_told_when_it_cannot_be_started(workspace, spec, monkeypatch, tmp_path):
    broken = tmp_path / "entry.py"
    broken.write_text("raise SystemExit('no room for\\nthe board')")
    monkeypatch.setattr(launch, "_ENTRY", broken)
    with pytest.raises(BackendError) as caught:
        ensure_board(workspace, spec)
    assert "TensorBoard could not be started: " in str(caught.value)


def test_a_process_that_dies_at_its_start_is_noticed(workspace, spec, monkeypatch, tmp_path):
    broken = tmp_path / "entry.py"
    broken.write_text("import os\nif os.fork() == 0:\n    raise SystemExit('no room for the board')\n")
    monkeypatch.setattr(launch, "_ENTRY", broken)
    with pytest.raises(BackendError) as caught:
        ensure_board(workspace, spec)
    assert str(caught.value) == (
        "TensorBoard could not be started; the last that it said:\n  - no room for the board\n"
        "Look whether it works by itself: !tensorboard --version"
    )


def test_it_finds_what_the_interpreter_alone_would_not(workspace, spec, bare, monkeypatch):
    monkeypatch.setattr(sys, "executable", bare)
    wait_for_runs(ensure_board(workspace, spec).url, "logs/train")


def test_what_a_board_lacks_is_told(workspace, spec, bare, monkeypatch):
    monkeypatch.setattr(sys, "executable", bare)
    monkeypatch.setattr(launch, "package_folders", list)
    with pytest.raises(BackendError) as caught:
        ensure_board(workspace, spec)
    assert "  - ModuleNotFoundError: No module named '" in str(caught.value)
    assert str(caught.value).endswith(
        "\nA board looks where this kernel's TensorBoard is and where pip installs packages, but nowhere else along "
        "PYTHONPATH: install what it did not find."
    )


def test_the_users_own_packages_are_looked_for_where_they_count(monkeypatch, tmp_path):
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(tmp_path))
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    (beside, own) = package_folders()
    assert (Path(beside, "tensorboard").is_dir(), own) == (True, str(tmp_path))
    monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
    assert package_folders() == [beside]


def test_a_folder_of_logs_called_tensorboard_is_no_package(monkeypatch, tmp_path):
    (tmp_path / "tensorboard").mkdir()
    monkeypatch.delitem(sys.modules, "tensorboard", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert package_folders() == []


def test_the_spec_is_written_and_read(spec):
    assert loads(BoardSpec, dumps(spec)) == spec
    assert spec.command == f"%tensorboard --logdir {spec.sources[0].folder}"
