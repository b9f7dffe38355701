"""A process with TensorFlow, for tests of the modules that trainer packages get for their features.

One serves a whole file of tests: a test names a function of its own, and the process runs it. So the process that runs
the tests stays without TensorFlow.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

MODULES = ("columns", "encoding", "export", "features", "kinds", "moments")


class TrainerProcess:
    def __init__(self, log: Path) -> None:
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.trainer_process"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
            )

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function of a test's file in the process, and return what it returns."""
        pickle.dump((function.__code__.co_filename, function.__name__, args), self._process.stdin)
        self._process.stdin.flush()
        try:
            is_good, result = pickle.load(self._process.stdout)  # noqa: S301
        except EOFError:
            pytest.fail(self._log.read_text())
        assert is_good, result
        return result

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def write_trainer(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files of a package's features."""
    for name, content in {"trainer/__init__.py": b"", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@cache
def load_trainer(folder: Path) -> SimpleNamespace:
    """Return what the modules below a folder define, whatever was loaded before."""
    for name in [name for name in sys.modules if name.split(".")[0] == "trainer"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    modules = [importlib.import_module(f"trainer.{name}") for name in MODULES]
    sys.path.remove(str(folder))
    return SimpleNamespace(**{name: value for module in modules for name, value in vars(module).items()})


@cache
def _load_tests(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            path, name, args = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        try:
            answer = True, getattr(_load_tests(path), name)(*args)
        except Exception:  # noqa: BLE001
            answer = False, traceback.format_exc()
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    # As the tests' own functions import it.
    from support.trainer_process import serve as serve_as_imported

    serve_as_imported()
