"""What all tests share: an environment of their own, and the check that no process is left behind."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

RUN_MARK = "MLMAGIC_TEST_RUN"

# On a busy machine any example may take long, and none is wrong for that.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's configuration out of the tests, and the tests out of the user's home."""
    home = tmp_path_factory.mktemp("home")
    # The path of a socket has a hundred characters at most.
    with tempfile.TemporaryDirectory(prefix="mlm-") as sockets, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", sockets)
        for name in ("MLMAGIC_HOME", "MLMAGIC_BACKEND", "PYTHONDONTWRITEBYTECODE", "JPY_SESSION_NAME"):
            patch.delenv(name, raising=False)
        # By which it would be told that the tests are run from an editor.
        for name in ("VSCODE_PID", "VSCODE_CWD", "VSCODE_ESM_ENTRYPOINT", "VSCODE_AMD_ENTRYPOINT"):
            patch.delenv(name, raising=False)
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            patch.setenv(name, str(home / name.lower()))
        patch.setenv(RUN_MARK, uuid.uuid4().hex)
        # Agents end soon after their last job, and no test pays for a warm TensorFlow that it does not ask for.
        patch.setenv("MLMAGIC_AGENT_IDLE_SECONDS", "1")
        patch.setenv("MLMAGIC_WARM_STARTS", "off")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_stray_process(own_environment: None) -> Iterator[None]:
    """Fail the run if a process that a test started is still there at the end."""
    yield
    strays = marked_processes(os.environ[RUN_MARK])
    _, alive = psutil.wait_procs(strays, timeout=15)
    told = [f"{process.pid} {' '.join(process.cmdline())}" for process in alive if process.is_running()]
    for process in alive:
        process.kill()
    assert not told, "left running: " + "; ".join(told)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def marked_processes(mark: str) -> list[psutil.Process]:
    """The processes that inherited the mark of this test run, without this one and its parents."""
    own = psutil.Process()
    relatives = {own.pid, *(parent.pid for parent in own.parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in relatives and process.environ().get(RUN_MARK) == mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
