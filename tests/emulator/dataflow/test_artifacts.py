"""What a pipeline was staged with."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.emulator.dataflow.artifacts import Artifact, ArtifactError, fetch, install

SETUP = "from setuptools import setup\nsetup(name='greet', version='1.0', py_modules=['greet'])\n"


def sdist(folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    (source / "setup.py").write_text(SETUP)
    (source / "greet.py").write_text("HELLO = 'hello'\n")
    command = [sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(folder / "staged")]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next((folder / "staged").glob("greet-*.tar.gz"))


def test_artifacts_are_what_was_staged(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"content").hexdigest()
    fetch([Artifact(url="gs://b/x", name="y", sha256=digest)], tmp_path, lambda _: b"content")
    assert (tmp_path / "y").read_bytes() == b"content"
    with pytest.raises(ArtifactError, match=rf"gs://b/x has the SHA-256 \w+; staged was {digest}"):
        fetch([Artifact(url="gs://b/x", name="y", sha256=digest)], tmp_path, lambda _: b"other")


def test_extra_packages_are_installed(tmp_path: Path) -> None:
    package = sdist(tmp_path)
    (package.parent / "extra_packages.txt").write_text(f"{package.name}\n")
    said: list[str] = []
    install(package.parent, tmp_path / "packages", said.append)
    assert (tmp_path / "packages" / "greet.py").read_text() == "HELLO = 'hello'\n"
    assert said == [f"Installing the extra package {package.name}"]


def test_requirements_that_are_there_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pytest>=1  # this runs it\n\n")
    said: list[str] = []
    install(tmp_path, tmp_path / "packages", said.append)
    assert said == []
    (tmp_path / "requirements.txt").write_text("no-such-distribution==1.0\n")
    with pytest.raises(ArtifactError, match=r"pip could not install no-such-distribution==1\.0:\nERROR: "):
        install(tmp_path, tmp_path / "packages", said.append)


def test_no_package_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "extra_packages.txt").write_text("../greet.tar.gz\n")
    with pytest.raises(ArtifactError, match=r"extra packages lie outside of the folder of staged files: \.\./greet"):
        install(tmp_path, tmp_path / "packages", print)
