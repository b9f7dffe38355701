from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.runtime.diagnosis import diagnose, find_traceback, is_symptom, signal_name
from mlmagic.spec.job import JobError


def run(tmp_path: Path, source: str, *args: str) -> tuple[int, str]:
    """Run a program as a job would, and return its exit status and output."""
    (tmp_path / "task.py").write_text(source)
    command = [sys.executable, "-u", "-m", "task", *args]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


def explain(status: int, log: str, *, disk_is_full: bool = False) -> JobError:
    return diagnose(status, log, translate=str, disk_is_full=disk_is_full)


def test_an_exception(tmp_path: Path) -> None:
    error = explain(*run(tmp_path, "def fit():\n    raise ValueError('bad\\nworse')\nprint('begun')\nfit()\n"))
    assert error.message == "ValueError: bad"
    assert error.traceback is not None
    assert error.traceback.startswith("Traceback (most recent call last):\n  File")
    assert error.traceback.endswith("ValueError: bad\nworse")


def test_the_interpreters_own_frames_are_left_out(tmp_path: Path) -> None:
    status, log = run(tmp_path, "1 / 0\n")
    error = explain(status, log)
    assert "<frozen runpy>" in log
    assert error.traceback is not None
    assert "<frozen runpy>" not in error.traceback
    assert "1 / 0" in error.traceback


def test_causes_belong_to_it(tmp_path: Path) -> None:
    source = "try:\n    {}['fare']\nexcept KeyError as e:\n    raise RuntimeError('no fare') from e\n"
    error = explain(*run(tmp_path, source))
    assert error.message == "RuntimeError: no fare"
    assert error.traceback is not None
    assert error.traceback.count("Traceback (most recent call last):") == 2


def test_an_exception_group(tmp_path: Path) -> None:
    error = explain(*run(tmp_path, "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])\n"))
    assert error.message == "ExceptionGroup: two (2 sub-exceptions)"
    assert error.traceback is not None
    assert "TypeError: b" in error.traceback


def test_deep_recursion(tmp_path: Path) -> None:
    error = explain(*run(tmp_path, "def f():\n    f()\nf()\n"))
    assert error.message.startswith("RecursionError: maximum recursion depth exceeded")


def test_a_syntax_error_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("def f(:\n")
    error = explain(*run(tmp_path, "import model\n"))
    assert error.message.startswith("SyntaxError: ")
    assert error.traceback is not None


def test_a_traceback_that_was_survived_is_not_the_reason(tmp_path: Path) -> None:
    source = "import sys, traceback\ntry:\n    1 / 0\nexcept Exception:\n    traceback.print_exc()\n"
    source += "print('\\n'.join(map(str, range(100))))\nsys.exit('no data')\n"
    error = explain(*run(tmp_path, source))
    assert error == JobError(message="the program ended with exit status 1: no data")


def test_chatter_after_a_traceback() -> None:
    log = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nValueError: x\nW0000 00:00:1 bye\n'
    assert (find_traceback(log) or "").endswith("ValueError: x")
    assert find_traceback("all is well\n") is None


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'", "install it with `%pip install`"),
        ("raise MemoryError", "MemoryError", "smaller batch"),
        ("open('missing.csv')", "FileNotFoundError: [Errno 2] No such file", "the folder that the notebook runs in"),
        ("open('/missing.csv')", "FileNotFoundError: [Errno 2] No such file", None),
        ("open('/gcs/b/no.csv')", "FileNotFoundError: [Errno 2] No such file", "There is no gs://b/no.csv, or the job"),
        ("print(fares)", "NameError: name 'fares' is not defined", "'fares' has to be defined in it"),
        ("import errno; raise OSError(errno.ENOSPC, 'No space left on device')", "OSError: [Errno 28]", "disk is full"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", None),
    ],
)
def test_common_failures_have_a_hint(tmp_path: Path, source: str, message: str, hint: str | None) -> None:
    error = explain(*run(tmp_path, source))
    assert error.message.startswith(message)
    assert (hint is None and error.hint is None) or (hint or "") in (error.hint or "")


def test_a_job_in_the_cloud_does_not_see_the_notebooks_folder() -> None:
    log = "Traceback (most recent call last):\nFileNotFoundError: [Errno 2] No such file or directory: 'rides.csv'\n"
    error = diagnose(1, log, translate=str, disk_is_full=False, is_elsewhere=True)
    assert (error.hint or "").endswith("put the file into a bucket, and read it as /gcs/BUCKET/FILE.")


def test_a_flag_that_the_program_does_not_have(tmp_path: Path) -> None:
    source = "import argparse\np = argparse.ArgumentParser('task.py')\np.parse_args()\n"
    error = explain(*run(tmp_path, source, "--epoch", "5"))
    assert error.message == ("the program ended with exit status 2: task.py: error: unrecognized arguments: --epoch 5")
    assert error.hint is not None
    assert error.hint.startswith("Arguments after `--` go to the program")


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (-9, "the program was ended by SIGKILL", "may have run out of memory"),
        (-11, "the program was ended by SIGSEGV", "Native code crashed"),
        (-15, "the program was ended by SIGTERM", None),
        (3, "the program ended with exit status 3", None),
    ],
)
def test_statuses_without_a_traceback(status: int, message: str, hint: str | None) -> None:
    error = explain(status, "")
    assert error.message == message
    assert (hint is None and error.hint is None) or (hint or "") in (error.hint or "")


def test_what_is_wrong_with_a_model_needs_no_frames() -> None:
    log = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: build_model returned x.\n'
    error = diagnose(1, log, translate=str, disk_is_full=False)
    assert (error.message, error.traceback) == ("build_model returned x.", None)


def test_an_error_in_a_graph_says_what_tensorflow_says_last() -> None:
    log = (
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
        "tensorflow.python.framework.errors_impl.InvalidArgumentError: Graph execution error:\n\n"
        'Detected at node a/b defined at (most recent call last):\n  File "a.py", line 1, in f\n\n'
        "Received a label value of 1 which is outside the valid range of [0, 1).\n\t [[{{node a/b}}]] [Op:c]\n"
    )
    message = diagnose(1, log, translate=str, disk_is_full=False).message
    assert message == ("InvalidArgumentError: Received a label value of 1 which is outside the valid range of [0, 1).")


def test_a_full_disk_is_the_reason_whatever_was_printed() -> None:
    error = explain(1, "", disk_is_full=True)
    assert error.message == "the disk is full: the program ended with exit status 1"
    assert error.hint is not None
    assert "free some space" in error.hint


def test_a_signal_without_a_name() -> None:
    assert signal_name(200) == "signal 200"


TRACEBACK = 'Traceback (most recent call last):\n  File "task.py", line 1, in <module>\n    fit()\n'


FIT = "Keras 3's `model.fit` cannot train on a cluster; `from trainer.loop import fit` can. Or run one replica."


@pytest.mark.parametrize(
    ("exception", "hint"),
    [
        ("ValueError: Attempt to convert a value (PerReplica:{\n  0: <tf.Tensor>\n}) with an unsupported type", FIT),
        ("ValueError: Exception encountered:\n\nInvalid reduction dimension 0 for input with 0 dimensions.", FIT),
        ("ValueError: You need to pass this dataset to ClusterCoordinator.create_per_worker_dataset.", FIT),
        ("errors_impl.UnavailableError: Graph execution error:\n\nCollective ops", "its own log says why."),
    ],
)
def test_failures_of_clusters_have_a_hint(exception: str, hint: str) -> None:
    assert hint in (explain(1, TRACEBACK + exception + "\n").hint or "")


@pytest.mark.parametrize(
    ("status", "log", "is_one"),
    [
        (1, TRACEBACK + "ConnectionResetError: [Errno 104] Connection reset by peer\n", True),
        (1, TRACEBACK + "tensorflow.python.framework.errors_impl.UnavailableError: Graph execution error:\n", True),
        (1, TRACEBACK + "ValueError: bad fare\n", False),
        (-6, "F0000 00:00:1 coordination_service_agent.cc:1] Terminating process\n", True),
        (-6, "terminate called after throwing\n", False),
        (-9, "", False),
        (3, "ConnectionResetError: x\n", False),
    ],
)
def test_a_lost_peer_is_a_symptom(status: int, log: str, is_one: bool) -> None:
    assert is_symptom(status, log) == is_one
