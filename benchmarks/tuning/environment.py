"""The peers' environment, `build/peers-tuning`: made on demand, apart from ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PEERS = Path("build/peers-tuning")
PROGRAMS = HERE / "peers"


def peers_python() -> Path:
    """Return the interpreter of the environment, which is made unless it is there."""
    wanted, stamp = HERE / "peers.txt", PEERS / "peers.txt"
    python = PEERS.resolve() / "bin/python"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, PEERS)
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", wanted)
        shutil.copy(wanted, stamp)
    return python


def has_torch() -> bool:
    """Say whether Optuna's GPSampler can run.

    It needs PyTorch. The one of the package index is over 5 GB with its CUDA libraries; a build for CPUs is installed
    if the configured sources have it, such as a folder that PIP_FIND_LINKS names.
    """
    python = peers_python()
    found: list[str | Path] = [
        python,
        "-c",
        "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)",
    ]
    if subprocess.run(found, check=False).returncode == 0:
        return True
    try:
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", HERE / "peers-torch.txt")
    except subprocess.CalledProcessError:
        return False
    return True


def _uv(*arguments: str | Path) -> None:
    environment = {"UV_FIND_LINKS": os.environ.get("PIP_FIND_LINKS", ""), **os.environ}
    subprocess.run([Path(sys.executable).with_name("uv"), *arguments], check=True, env=environment)
