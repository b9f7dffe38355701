"""Source distributions that pip takes."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

from mlmagic.source.package_dir import read_package
from mlmagic.source.sdist import build_sdist


def install(archive: bytes, folder: Path) -> Path:
    """Install into a new virtual environment with this one's setuptools; return its interpreter."""
    path = folder / "trainer-0.1.0.tar.gz"
    path.write_bytes(archive)
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command += ["--disable-pip-version-check", "--target", str(site), str(path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return python


def run(python: Path, *args: str) -> str:
    return subprocess.run([python, *args], capture_output=True, text=True, timeout=60, check=True, cwd="/").stdout


def test_an_sdist_installs_and_runs(build, tmp_path: Path) -> None:
    helpers = tmp_path / "my_helpers.py"
    helpers.write_text("value = 7\n")
    package = build("import my_helpers\nN = 1\nprint(my_helpers.value * N)", local_modules=lambda _: helpers)
    archive = build_sdist(package, "taxi-trainer")
    python = install(archive, tmp_path)
    assert run(python, "-m", "trainer.task", "--n", "3") == "21\n"
    assert archive == build_sdist(package, "taxi-trainer")


def test_a_given_package_without_setup_gets_one(tmp_path: Path) -> None:
    (tmp_path / "given" / "trainer").mkdir(parents=True)
    for name, text in {"__init__.py": "", "task.py": "print('given')", "words.txt": "a"}.items():
        (tmp_path / "given" / "trainer" / name).write_text(text)
    python = install(build_sdist(read_package(tmp_path / "given"), "given"), tmp_path)
    assert run(python, "-m", "trainer.task") == "given\n"
    assert list((tmp_path / "venv").glob("lib/*/site-packages/trainer/words.txt"))


@pytest.mark.parametrize(("name", "root"), [("taxi-trainer", "taxi_trainer-0.2"), ("Taxi.A__b", "taxi_a_b-0.2")])
def test_members_lie_in_one_folder_without_times(build, name: str, root: str) -> None:
    archive = build_sdist(build("print(1)"), name, "0.2")
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        infos = members.getmembers()
    assert {info.name.partition("/")[0] for info in infos} == {root}
    assert {(info.mtime, info.uid, info.mode) for info in infos} == {(0, 0, 0o644)}
    assert [info.name for info in infos] == sorted(info.name for info in infos)
