"""The life of a serving process. Starting one takes seconds, so the tests hand on the one that they leave."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from mlmagic.errors import MissingDependencyError, PredictionError
from mlmagic.serving.predictor import Predictor

ENDLESS = {"x": np.array([4.0], dtype="float32")}
QUICK = {"x": np.array([-2.0], dtype="float32")}


@pytest.fixture(scope="module")
def forever(models: Path) -> Iterator[Predictor]:
    predictor = Predictor("forever@1", models / "forever")
    yield predictor
    predictor.close()


@pytest.fixture
def impatient_sockets() -> Iterator[None]:
    """What Beam does to a kernel that has read from Google Cloud: sockets are no longer blocking ones by default."""
    socket.setdefaulttimeout(60)
    yield
    socket.setdefaulttimeout(None)


@pytest.mark.usefixtures("impatient_sockets")
def test_the_process_starts_at_the_first_use_and_stays_warm(forever: Predictor) -> None:
    assert forever.process_id is None
    assert [tensor.name for tensor in forever.signature.outputs] == ["y"]
    first = forever.process_id
    assert forever.predict(QUICK)["y"].tolist() == [-2.0]
    assert forever.process_id == first


def test_no_answer_in_time_ends_the_process(forever: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert forever.signature.inputs
    process = psutil.Process(forever.process_id)
    monkeypatch.setattr(forever, "_answer_seconds", 0.5)
    with pytest.raises(PredictionError, match=r"forever@1 gave no answer in 0.5 s, so its process was ended"):
        forever.predict(ENDLESS)
    assert not process.is_running()


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_and_replaced(forever: Predictor) -> None:
    assert forever.signature.inputs
    killer = threading.Timer(0.2, psutil.Process(forever.process_id).kill)
    killer.start()
    with pytest.raises(PredictionError) as caught:
        forever.predict(ENDLESS)
    assert caught.value.message == (
        "the process that serves forever@1 was ended by SIGKILL (out of memory?). The next call starts a new one."
    )
    assert forever.predict(QUICK)["y"].tolist() == [-2.0]


def test_an_interrupt_leaves_the_next_call_right(forever: Predictor) -> None:
    assert forever.signature.inputs
    interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        forever.predict(ENDLESS)
    assert forever.process_id is None
    assert forever.predict(QUICK)["y"].tolist() == [-2.0]


def test_closing_ends_a_call_that_waits(forever: Predictor) -> None:
    assert forever.signature.inputs
    closer = threading.Timer(0.2, forever.close)
    closer.start()
    with pytest.raises(PredictionError, match=r"the process that serves forever@1 was closed"):
        forever.predict(ENDLESS)
    closer.join()
    assert forever.process_id is None


def test_a_model_that_is_not_loaded_in_time_is_told(models: Path) -> None:
    with pytest.raises(PredictionError, match=r"forever@1 was not loaded within 0.1 s"):
        Predictor("forever@1", models / "forever", start_seconds=0.1).predict(QUICK)


def test_a_process_that_does_not_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow.py").write_text("import os; print('about to fail', flush=True); os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(PredictionError) as caught:
        Predictor("odd@1", tmp_path).predict(QUICK)
    assert caught.value.message == "the process that serves odd@1 was ended by SIGABRT."
    assert caught.value.problems == ("about to fail",)


def test_a_process_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.serving.child._WORKER", (str(tmp_path / "python"),))
    with pytest.raises(PredictionError, match=r"the process that serves odd@1 could not be started: .*No such file"):
        Predictor("odd@1", tmp_path).predict(QUICK)


def test_without_tensorflow_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError(name='tensorflow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingDependencyError) as caught:
        Predictor("plain@1", tmp_path).predict(QUICK)
    assert str(caught.value).splitlines() == [
        "plain@1 needs the package tensorflow, which is not installed here.",
        'Install TensorFlow: %pip install "mlmagic[tensorflow]"',
    ]


@pytest.mark.slow
def test_a_killed_kernel_leaves_no_process(models: Path) -> None:
    program = (
        "import sys, time, pathlib; from mlmagic.serving.child import Child\n"
        "print(Child(pathlib.Path(sys.argv[1])).process.pid, flush=True); time.sleep(600)"
    )
    kernel = subprocess.Popen(
        [sys.executable, "-c", program, str(models / "vector")], stdout=subprocess.PIPE, text=True
    )
    assert kernel.stdout is not None
    worker = psutil.Process(int(kernel.stdout.readline()))
    kernel.kill()
    kernel.communicate()
    worker.wait(timeout=30)
    assert not worker.is_running()


def test_a_forked_child_of_the_kernel_does_not_keep_it_alive(models: Path) -> None:
    program = (
        "import sys, os, time, pathlib; from mlmagic.serving.child import Child\n"
        "c = Child(pathlib.Path(sys.argv[1])); fork = os.fork()\n"
        "if not fork: time.sleep(600)\n"
        "print(c.process.pid, fork, flush=True); time.sleep(600)"
    )
    kernel = subprocess.Popen(
        [sys.executable, "-c", program, str(models / "vector")], stdout=subprocess.PIPE, text=True
    )
    assert kernel.stdout is not None
    worker, fork = (psutil.Process(int(word)) for word in kernel.stdout.readline().split())
    kernel.kill()
    kernel.wait()
    worker.wait(timeout=30)
    assert fork.is_running()
    fork.kill()
    kernel.communicate()


@pytest.mark.slow
def test_a_kernel_that_ends_takes_its_process_along(models: Path) -> None:
    program = (
        "import sys, pathlib; from datetime import datetime; from mlmagic.serving.pool import PredictorPool\n"
        "from mlmagic.spec.model import ModelVersion; from mlmagic.workspace.layout import Workspace\n"
        "folder = pathlib.Path(sys.argv[1]); version = ModelVersion(model='m', number=1, create_time=datetime.now())\n"
        "with PredictorPool(Workspace(folder)).lease(version, folder) as p: p.signature; print(p.process_id)"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(models / "vector")]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not psutil.pid_exists(int(result.stdout))
    assert result.stderr == ""
