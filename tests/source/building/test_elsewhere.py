"""An exported package on a machine that has TensorFlow, but no mlmagic and no IPython."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.source.build import build_package
from mlmagic.source.export import write_package
from mlmagic.source.history import Cell

CELL = """
import keras
import tensorflow as tf

def train(units: list[int] = [8], epochs=2):
    model = keras.Sequential([keras.Input((1,)), *(keras.layers.Dense(n) for n in units), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = tf.range(64.0)[:, None]
    return model, model.fit(x, x * 2, epochs=epochs, verbose=0)
"""


def uv(*args: str | Path) -> None:
    tool = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    told = subprocess.run([tool, *args], capture_output=True, text=True, timeout=800, check=False)
    assert told.returncode == 0, told.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_exported_package_trains_where_only_its_requirements_are(tmp_path: Path) -> None:
    package = build_package("taxi", Cell(number=1, source=CELL))
    write_package(package, tmp_path / "export")
    python = tmp_path / "venv" / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    uv("pip", "install", "--quiet", "--python", python, "-r", tmp_path / "export" / "requirements.txt")

    def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        command = [python, *args]
        return subprocess.run(
            command,
            cwd=tmp_path / "export",
            env=bare | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    assert run("-c", "import mlmagic").returncode == run("-c", "import IPython").returncode == 1
    assert "--units [UNITS ...]" in run("-m", "trainer.task", "--help").stdout
    model_dir, logs = tmp_path / "model", tmp_path / "logs"
    told = run("-m", "trainer.task", "--units", "4", AIP_MODEL_DIR=f"{model_dir}/", AIP_TENSORBOARD_LOG_DIR=f"{logs}/")
    assert told.stdout.splitlines()[-1].startswith("Final metrics: loss="), told.stderr
    assert (model_dir / "saved_model.pb").exists()
    assert list(logs.iterdir())
