"""The wheel and the sdist, as a user gets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def test_the_wheel_installs_into_a_bare_environment(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    venv = tmp_path / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    environment = os.environ | {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], env=environment, check=True)
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(venv), str(wheel)]
    subprocess.run(install, env=environment, check=True)
    program = "import mlmagic; print(mlmagic.__version__)"
    command = [str(venv / "bin/python"), "-I", "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() in wheel.name
    assert (venv / "etc/jupyter/jupyter_server_config.d/mlmagic.json").is_file()
    panel = venv / "share/jupyter/labextensions/mlmagic"
    entry = json.loads((panel / "package.json").read_text())["jupyterlab"]["_build"]["load"]
    assert (panel / entry).is_file()
    assert (panel / "install.json").is_file()


def test_the_wheel_has_types_templates_and_licence(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packaged = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "mlmagic").rglob("*") if path.suffix not in {"", ".pyc"}
    }
    # It is among Jupyter's shared data, and nowhere else.
    packaged = {name for name in packaged if not name.startswith("mlmagic/labextension/")}
    assert not any(name.startswith("mlmagic/labextension/") for name in names)
    assert packaged - set(names) == set()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_sdist_has_what_the_wheel_is_made_from(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "mlmagic/py.typed"} <= names
    assert "jupyter-config/jupyter_server_config.d/mlmagic.json" in names
    # So that nobody who builds a wheel from it needs Node.
    assert {"mlmagic/labextension/package.json", "labextension/install.json", "hatch_build.py"} <= names


def test_without_node_the_wheel_has_the_magics_alone(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        target = tmp_path / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(ROOT / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    environment = {key: value for key, value in os.environ.items() if key != "PATH"} | {"PATH": str(tmp_path)}
    done = subprocess.run(build, cwd=tmp_path / "checkout", env=environment, check=True, capture_output=True, text=True)
    assert "there is no npm on the PATH, so the JupyterLab panel is left out" in done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert not any("labextensions" in name for name in zipfile.ZipFile(wheel).namelist())
