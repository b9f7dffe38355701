"""What a container's programs see of this machine: what its image has, and what was installed in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.emulated_jobs import log, pool, program, run

from mlmagic.emulator.container.visibility import hidden
from mlmagic.spec.job import JobState

PYTHON = "python:3.11"


@pytest.fixture(scope="module")
def of_tensorflow() -> dict[str, set[str]]:
    return {key: set(names) for key, names in hidden(["tensorflow", "keras", "numpy"]).items()}


def test_what_the_image_needs_is_there(of_tensorflow: dict[str, set[str]]) -> None:
    assert not of_tensorflow["modules"] & {"tensorflow", "keras", "numpy", "h5py", "google", "google.protobuf", "pip"}
    assert not of_tensorflow["distributions"] & {"tensorflow-cpu", "absl-py", "typing-extensions", "setuptools"}


def test_what_others_have_is_hidden(of_tensorflow: dict[str, set[str]]) -> None:
    assert {"pandas", "apache_beam", "mlmagic", "google.cloud", "sklearn"} <= of_tensorflow["modules"]
    assert {"pandas", "mlmagic", "google-cloud-storage"} <= of_tensorflow["distributions"]


def test_extras_bring_what_they_need() -> None:
    assert "pg8000" in hidden(["cloud-sql-python-connector"])["distributions"]
    assert "pg8000" not in hidden(["cloud-sql-python-connector[pg8000]"])["distributions"]


def test_a_module_that_the_image_lacks_is_not_found(tmp_path: Path) -> None:
    record = run(tmp_path, program("import numpy\nimport pandas"))
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.message == "ModuleNotFoundError: No module named 'pandas'"
    told = "this machine has pandas, but as far as is known the image tensorflow/tensorflow:2.21.0 does not"
    assert told in log(tmp_path, record)


def test_one_may_look_for_it_without_an_error(tmp_path: Path) -> None:
    text = """
import importlib.metadata, importlib.util
print(importlib.util.find_spec("pandas"), importlib.util.find_spec("google.protobuf") is not None)
names = {one.metadata["Name"] for one in importlib.metadata.distributions()}
print(sorted(names & {"numpy", "pandas", "mlmagic"}))
"""
    record = run(tmp_path, program(text))
    assert log(tmp_path, record) == "None True\n['numpy']\n"


def test_what_was_installed_is_there_with_what_it_needs(tmp_path: Path) -> None:
    text = (
        "pip install --quiet pandas && python -c 'import pandas, dateutil; print(pandas.DataFrame({\"a\": [1]}).a[0])'"
    )
    record = run(tmp_path, pool("bash", "-c", f"python -c 'import numpy' || {text}", image=PYTHON))
    assert record.state is JobState.SUCCEEDED
    assert "No module named 'numpy'" in log(tmp_path, record)
    assert log(tmp_path, record).endswith("\n1\n")


def test_children_of_the_program_see_no_more(tmp_path: Path) -> None:
    text = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', 'import pandas']).returncode)"
    assert run(tmp_path, program(text)).exit_code == 1


def test_nothing_is_hidden_of_an_own_image(tmp_path: Path) -> None:
    record = run(tmp_path, program("import pandas", image="europe-docker.example/p/r/own:1"))
    assert record.state is JobState.SUCCEEDED


def test_a_package_of_the_same_name_that_the_container_holds_is_seen(tmp_path: Path) -> None:
    text = "mkdir pandas && echo 'print(42)' > pandas/__init__.py && python -c 'import pandas'"
    assert log(tmp_path, run(tmp_path, pool("bash", "-c", text))) == "42\n"
