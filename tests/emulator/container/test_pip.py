"""pip in a container: what it takes, and the words in which it fails."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from support.emulated_jobs import TRAINING_IMAGE, log, pool, program, run

from mlmagic.emulator.container.pip import main
from mlmagic.emulator.container.requirements import Unsatisfied, satisfy
from mlmagic.emulator.container.task import ContainerTask
from mlmagic.spec import codec
from mlmagic.spec.job import JobState

TASK = ContainerTask(image_uri="i", python="3.10", distributions={"tensorflow": "2.17", "pandas": ""}, is_known=True)
SETUP = "from setuptools import setup\nsetup(name='trainer', version='1.0', packages=['trainer'], {more})\n"


def sdist(more: str = "", task: str = "print('trained')") -> bytes:
    """A source distribution with trainer/task.py."""
    files = {"setup.py": SETUP.format(more=more), "trainer/__init__.py": "", "trainer/task.py": task}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"trainer-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def put(root: Path, content: bytes) -> None:
    """Put a package into the bucket b."""
    path = root / "buckets/b/trainer-1.0.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


@pytest.mark.parametrize("text", ["tensorflow", "tensorflow>=2.15", "tensorflow==2.17.1", "pandas", "TensorFlow<3"])
def test_what_the_image_has_is_satisfied(text: str) -> None:
    found = satisfy(text, TASK)
    assert found is not None
    assert found.is_preinstalled


def test_what_is_installed_here_stands_for_the_index() -> None:
    found = satisfy(f"packaging=={metadata.version('packaging')}", TASK)
    assert found is not None
    assert not found.is_preinstalled


def test_a_marker_is_judged_by_the_python_of_the_image() -> None:
    assert satisfy("no-such-thing; python_version >= '3.11'", TASK) is None


def test_a_version_that_is_nowhere() -> None:
    here = metadata.version("packaging")
    with pytest.raises(Unsatisfied) as raised:
        satisfy("packaging==1.0", TASK, origin="trainer==1.0")
    assert str(raised.value) == (
        "ERROR: Could not find a version that satisfies the requirement packaging==1.0 (from trainer==1.0) "
        f"(from versions: {here})\nERROR: No matching distribution found for packaging==1.0 (from trainer==1.0)"
    )


def test_a_version_for_another_python() -> None:
    old = ContainerTask(image_uri="i", python="3.6")
    pinned = f"packaging=={metadata.version('packaging')}"
    with pytest.raises(Unsatisfied, match="Ignored the following versions that require a different python version"):
        satisfy(pinned, old)


def test_a_python_package_is_installed_and_run(tmp_path: Path) -> None:
    put(tmp_path, sdist("install_requires=['tensorflow>=2.15']"))
    task = {
        "executor_image_uri": TRAINING_IMAGE,
        "package_uris": ["gs://b/trainer-1.0.tar.gz"],
        "python_module": "trainer.task",
    }
    record = run(tmp_path, {"replica_count": "1", "machine_spec": {}, "python_package_spec": task})
    assert record.state is JobState.SUCCEEDED, log(tmp_path, record)
    assert "Requirement already satisfied: tensorflow>=2.15 in the image (2.17)" in log(tmp_path, record)
    assert "Successfully installed trainer-1.0\ntrained\n" in log(tmp_path, record)


def test_a_command_that_installs_and_runs(tmp_path: Path) -> None:
    put(tmp_path, sdist())
    record = run(tmp_path, pool("bash", "-c", "pip install /gcs/b/trainer-1.0.tar.gz && python -m trainer.task"))
    assert log(tmp_path, record).endswith("Successfully installed trainer-1.0\ntrained\n")
    # Nothing has come to this machine's own environment.
    assert subprocess.run([sys.executable, "-c", "import trainer"], capture_output=True, check=False).returncode


def test_a_package_for_a_newer_python(tmp_path: Path) -> None:
    put(tmp_path, sdist("python_requires='>=3.11'"))
    command = "python -m pip install /gcs/b/trainer-1.0.tar.gz && echo installed"
    record = run(tmp_path, pool("bash", "-c", command, image=TRAINING_IMAGE))
    assert record.exit_code == 1
    assert "ERROR: Package 'trainer' requires a different Python: 3.10 not in '>=3.11'" in log(tmp_path, record)


def test_what_a_package_requires_must_be_there(tmp_path: Path) -> None:
    put(tmp_path, sdist("install_requires=['no-such-distribution>=2']"))
    record = run(tmp_path, pool("pip", "install", "/gcs/b/trainer-1.0.tar.gz"))
    assert record.exit_code == 1
    assert "ERROR: No matching distribution found for no-such-distribution>=2 (from trainer==1.0)" in log(
        tmp_path, record
    )


def test_pip_past_the_shim_changes_nothing_here(tmp_path: Path) -> None:
    text = "import os; print(os.environ['PIP_NO_INDEX'], os.environ['PIP_TARGET'].endswith('workerpool0-0/site'))"
    assert log(tmp_path, run(tmp_path, program(text))).startswith("1 True\n")


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Call pip in an empty folder; gives its exit status and what it prints on either stream."""
    (tmp_path / "image.json").write_text(codec.dumps(TASK), "utf-8")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main([str(tmp_path / "image.json"), *arguments])
        except SystemExit as ended:
            status = int(ended.code or 0)
        return status, *capfd.readouterr()

    return call


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["install"], "ERROR: You must give at least one requirement to install"),
        (["install", "-r", "none.txt"], "ERROR: Could not open requirements file: [Errno 2] No such file or directory"),
        (["install", "https://host/x.whl"], "ERROR: the emulator fetches nothing: https://host/x.whl"),
        (["install", "./none.whl"], "ERROR: Could not install packages due to an OSError: No such file or directory"),
        (["install", "a b"], "ERROR: Invalid requirement: 'a b'"),
        (["uninstall", "x"], "invalid choice: 'uninstall'"),
    ],
)
def test_what_pip_refuses(pip: Callable[..., Any], arguments: list[str], text: str) -> None:
    status, _, told = pip(*arguments)
    assert status > 0
    assert text in told


def test_pip_installs_a_file_into_the_folder_of_the_container(pip: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "trainer-1.0.tar.gz").write_bytes(sdist("install_requires=['pandas']"))
    status, told, _ = pip("install", "--upgrade", "./trainer-1.0.tar.gz")
    assert (status, told.splitlines()[-2:]) == (
        0,
        ["Requirement already satisfied: pandas in the image", "Successfully installed trainer-1.0"],
    )
    assert (tmp_path / "site/trainer/task.py").read_text("utf-8") == "print('trained')"


def test_pip_reads_a_requirements_file(pip: Callable[..., Any], tmp_path: Path) -> None:
    lines = ["# what it needs", "pandas # any", "", "no-such; python_version < '3'"]
    (tmp_path / "requirements.txt").write_text("\n".join(lines), "utf-8")
    status, told, _ = pip("install", "-r", "requirements.txt")
    assert status == 0
    assert told.splitlines() == [
        "Requirement already satisfied: pandas in the image",
        "Ignoring no-such; python_version < '3': markers don't match your environment",
    ]


def test_pip_tells_the_python_of_the_image(pip: Callable[..., Any]) -> None:
    assert pip("--version")[1].rstrip().endswith("(python 3.10)")
    assert pip()[1].startswith("usage: pip")
