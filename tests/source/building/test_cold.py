"""Which packages start from nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.source.build import build_package
from mlmagic.source.cold import cold_reason, is_import_time
from mlmagic.source.history import Cell
from mlmagic.source.package_dir import read_package

IMPORT = "import tensorflow as tf\n"
ANY = "trainer/task.py, line 2 sets environment variables that can only be told when it runs"


def sets(variable: str, line: int = 2) -> str:
    return f"trainer/task.py, line {line} sets {variable}, which has to be set before TensorFlow is imported"


def reason(source: str) -> str | None:
    return cold_reason({"trainer/task.py": source.encode()})


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow as tf",
        "import keras",
        "from tensorflow import keras",
        "from tensorflow.keras.layers import Dense",
        "def train():\n    import tensorflow_datasets as tfds",
        "import importlib\nkeras = importlib.import_module('tf_keras')",
        "__import__('tensorflow')",
    ],
)
def test_what_imports_tensorflow_is_forked(source: str) -> None:
    assert reason(source) is None


@pytest.mark.parametrize("source", ["", "import numpy, torch", "from . import keras", "x = 'import keras'", "a b"])
def test_what_does_not_starts_from_nothing(source: str) -> None:
    assert reason(source) == "it imports neither tensorflow nor keras"


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ("import os; os.environ['KERAS_BACKEND'] = 'jax'", "KERAS_BACKEND"),
        ("import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'", "TF_CPP_MIN_LOG_LEVEL"),
        ("import os as o; o.environ.setdefault('XLA_FLAGS', '')", "XLA_FLAGS"),
        ("import os.path; os.environ.update(CUDA_VISIBLE_DEVICES='-1')", "CUDA_VISIBLE_DEVICES"),
        ("import os; os.environ.update({'A': '1', 'OMP_NUM_THREADS': '1'})", "OMP_NUM_THREADS"),
        ("import os; os.environ.update(dict(MKL_NUM_THREADS='1'))", "MKL_NUM_THREADS"),
        ("import os; os.environ |= {'TF_USE_LEGACY_KERAS': '1'}", "TF_USE_LEGACY_KERAS"),
        ("from os import environ; environ['KERAS_HOME'] = '/k'", "KERAS_HOME"),
        ("from os import environ as e; e.pop('TF_XLA_FLAGS', None)", "TF_XLA_FLAGS"),
        ("from os import putenv as p; p('OPENBLAS_NUM_THREADS', '1')", "OPENBLAS_NUM_THREADS"),
        ("import os; os.putenv(b'ONEDNN_VERBOSE', b'1')", "ONEDNN_VERBOSE"),
        ("import os; os.unsetenv('TF_ENABLE_ONEDNN_OPTS')", "TF_ENABLE_ONEDNN_OPTS"),
        ("import os; os.environb[b'HOME'] = b'/h'", "HOME"),
        ("import os; del os.environ['NVIDIA_TF32_OVERRIDE']", "NVIDIA_TF32_OVERRIDE"),
        ("import os; env = os.environ; env['TF_A'] = '1'", "TF_A"),
        ("import os; os.environ.__setitem__('NUMPY_X', '1')", "NUMPY_X"),
        ("import os; os.environ['TF_A'], x = '1', 2", "TF_A"),
    ],
)
def test_what_sets_import_time_variables_starts_from_nothing(line: str, variable: str) -> None:
    assert reason(IMPORT + line) == sets(variable)
    function = "def main():\n" + "".join(f"    {part}\n" for part in line.split("; "))
    assert reason(IMPORT + function) == sets(variable, line=2 + len(line.split("; ")))


@pytest.mark.parametrize(
    "line",
    [
        "import os; os.environ[name] = '1'",
        "import os; os.environ[f'TF_{name}'] = '1'",
        "import os; os.environ.update(settings)",
        "import os; os.environ.update(**settings)",
        "import os; os.environ.update({**settings})",
        "import os; os.environ |= settings",
        "import os; os.environ = {}",
        "import os; os.environ.clear()",
        "import os; os.putenv(name, '1')",
        "from dotenv import load_dotenv; load_dotenv()",
        "import dotenv; dotenv.load_dotenv('.env')",
    ],
)
def test_what_sets_variables_that_nobody_can_tell_starts_from_nothing(line: str) -> None:
    assert reason(IMPORT + line) == ANY


@pytest.mark.parametrize(
    "line",
    [
        "import os; print(os.environ['TF_CONFIG'], os.environ.get('KERAS_BACKEND'), os.getenv('XLA_FLAGS'))",
        "import os; os.environ['PYTHONHASHSEED'] = '0'",
        "import os; os.environ['TZ'] = 'UTC'; os.environ.setdefault('TF_CONFIG', '{}')",
        "import os; env = dict(os.environ); env['KERAS_BACKEND'] = 'jax'; env.update(x)",
        "import os; env = os.environ.copy(); env['TF_A'] = '1'",
        "environ = {}; environ['KERAS_BACKEND'] = 'jax'; environ.update(x)",
        "from .os import environ; environ['KERAS_BACKEND'] = 'jax'",
        "import os; os.environ.update(PATH='/bin'); os.environ |= {'EPOCHS': '3'}",
        "# os.environ['KERAS_BACKEND'] = 'jax'",
    ],
)
def test_what_reads_variables_or_sets_others_is_forked(line: str) -> None:
    assert reason(IMPORT + line) is None


def test_all_modules_of_a_package_count_but_not_its_setup(tmp_path: Path) -> None:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "__init__.py").write_text("import os\n\nos.environ['KERAS_BACKEND'] = 'jax'\n")
    (tmp_path / "trainer" / "task.py").write_text(IMPORT)
    (tmp_path / "setup.py").write_text("import os\nos.environ['TF_A'] = '1'\n")
    told = read_package(tmp_path).cold_reason
    assert told is not None
    assert told.startswith("trainer/__init__.py, line 3 sets KERAS_BACKEND, ")
    (tmp_path / "trainer" / "__init__.py").write_text("")
    assert read_package(tmp_path).cold_reason is None


def test_a_cell_is_named_by_its_line() -> None:
    source = "import os\nos.environ['KERAS_BACKEND'] = 'jax'\nimport keras\nkeras.Input()\n"
    told = build_package("taxi", Cell(source=source, number=5)).cold_reason
    assert told == "Cell [5], line 2 sets KERAS_BACKEND, which has to be set before TensorFlow is imported"
    assert build_package("taxi", Cell(source="import keras\nkeras.Input()\n", number=5)).cold_reason is None


def test_variables_that_decide_how_a_process_begins() -> None:
    assert all(map(is_import_time, ["PYTHONHASHSEED", "LD_PRELOAD", "LANG", "LC_ALL", "TZ", "HOME", "TF_A"]))
    assert not any(map(is_import_time, ["TF_CONFIG", "PATH", "AIP_MODEL_DIR", "TFX", "USER"]))
