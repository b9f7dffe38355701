"""The life of a serving process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from mlmagic.errors import MissingDependencyError, PredictionError
from mlmagic.serving.pool import PredictorPool
from mlmagic.serving.predictor import Predictor

ONE = {"x": np.array([4.0], dtype="float32")}


@pytest.fixture
def picky(models: Path) -> Iterator[Predictor]:
    predictor = Predictor("picky@1", models / "picky")
    yield predictor
    predictor.close()


@pytest.fixture
def forever(models: Path) -> Iterator[Predictor]:
    predictor = Predictor("forever@1", models / "forever", answer_seconds=1.0)
    yield predictor
    predictor.close()


def test_the_process_stays_warm(picky: Predictor) -> None:
    assert picky.process_id is None
    picky.predict(ONE)
    first = picky.process_id
    assert picky.predict(ONE)["root"].tolist() == [2.0]
    assert picky.process_id == first


def test_a_process_that_was_killed_is_told_and_replaced(picky: Predictor) -> None:
    assert picky.signature.inputs[0].name == "x"
    process = psutil.Process(picky.process_id)
    process.suspend()
    killer = threading.Timer(0.2, process.kill)
    killer.start()
    with pytest.raises(PredictionError) as caught:
        picky.predict(ONE)
    killer.join()
    assert caught.value.message == (
        "the process that serves picky@1 was ended by SIGKILL (out of memory?). The next call starts a new one."
    )
    assert picky.predict(ONE)["root"].tolist() == [2.0]


def test_no_answer_in_time_ends_the_process(forever: Predictor) -> None:
    assert forever.signature.outputs[0].name == "y"
    process = psutil.Process(forever.process_id)
    with pytest.raises(PredictionError, match="forever@1 gave no answer in 1 s, so its process was ended"):
        forever.predict(ONE)
    assert not process.is_running()


def test_an_interrupt_leaves_the_next_call_right(models: Path) -> None:
    predictor = Predictor("forever@1", models / "forever")
    assert predictor.signature.inputs
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        predictor.predict(ONE)
    assert predictor.process_id is None
    assert predictor.predict({"x": np.array([], dtype="float32")[:0]} | {"x": np.array([-2.0], dtype="float32")})
    predictor.close()


def test_closing_ends_a_call_that_waits(models: Path) -> None:
    predictor = Predictor("forever@1", models / "forever")
    assert predictor.signature.inputs
    closer = threading.Timer(0.3, predictor.close)
    closer.start()
    with pytest.raises(PredictionError, match="was ended by SIGKILL"):
        predictor.predict(ONE)
    closer.join()
    assert predictor.process_id is None


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(PredictionError, match=r"broken@1 cannot be served: its saved_model.pb cannot be read"):
        Predictor("broken@1", tmp_path).predict(ONE)


def test_a_process_that_does_not_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow.py").write_text("print('about to fail'); import os; os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(PredictionError) as caught:
        Predictor("odd@1", tmp_path).predict(ONE)
    assert caught.value.message == "the process that serves odd@1 ended with exit code 3."


def test_without_tensorflow_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError(name='tensorflow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingDependencyError) as caught:
        Predictor("plain@1", tmp_path).predict(ONE)
    assert str(caught.value).splitlines() == [
        "plain@1 needs the package tensorflow, which is not installed here.",
        'Install TensorFlow: %pip install "mlmagic[tensorflow]"',
    ]


def test_the_least_recently_used_process_goes(models: Path) -> None:
    pool = PredictorPool(limit=1)
    with pool.lease("picky@1", models / "picky") as first:
        assert first.signature.inputs
        with pool.lease("summed@1", models / "summed") as second:
            assert second.signature.inputs
            assert first.process_id is not None
        assert first.process_id is not None
    assert [first.process_id is None, second.process_id is None].count(True) == 1
    pool.close()
    assert first.process_id is None
    assert second.process_id is None


def test_a_killed_kernel_leaves_no_process(models: Path) -> None:
    program = (
        "import sys, time, pathlib; from mlmagic.serving.predictor import Predictor\n"
        "p = Predictor('picky@1', pathlib.Path(sys.argv[1])); p.signature; print(p.process_id, flush=True); time.sleep(600)"
    )
    kernel = subprocess.Popen([sys.executable, "-c", program, str(models / "picky")], stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None
    worker = psutil.Process(int(kernel.stdout.readline()))
    kernel.kill()
    kernel.communicate()
    worker.wait(timeout=20)
    assert not worker.is_running()


def test_a_kernel_that_ends_takes_its_process_along(models: Path) -> None:
    program = (
        "import sys, pathlib; from mlmagic.serving.pool import PredictorPool\n"
        "with PredictorPool().lease('picky@1', pathlib.Path(sys.argv[1])) as p: p.signature; print(p.process_id)"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(models / "picky")]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not psutil.pid_exists(int(result.stdout))
    assert result.stderr == ""
