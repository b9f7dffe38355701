"""What the tests of package building share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlmagic.source.build import build_package
from mlmagic.source.export import write_package
from mlmagic.source.history import Cell
from mlmagic.spec.package import TrainerPackage

INSTALLED = {
    "numpy": ("numpy", "2.4.6"),
    "pandas": ("pandas", "3.1.1"),
    "pyarrow": ("pyarrow", "22.0.0"),
    "tensorflow": ("tensorflow-cpu", "2.21.0"),
    "keras": ("keras", "3.15.1"),
    "tensorboard": ("tensorboard", "2.21.0"),
    "sklearn": ("scikit-learn", "1.7.2"),
    "torch": ("torch", "2.9.0+cpu"),
}

Build = Callable[..., TrainerPackage]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def build() -> Build:
    """Build the package of a cell, with earlier cells before it, against a fixed table of installed modules."""

    def build_cells(*sources: str, number: int | None = 9, **options: object) -> TrainerPackage:
        *earlier, last = sources
        history = [Cell(source=source, number=index) for index, source in enumerate(earlier, 1)]
        cell = Cell(source=last, number=number, cell_id="c9", first_line=2)
        options = {"installed": INSTALLED.get, "local_modules": lambda _: None, "python": "3.11"} | options
        return build_package("taxi", cell, history, **options)

    return build_cells


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a package as `python -m <module>` from its own files alone, mlmagic not importable."""

    def run_package(
        package: TrainerPackage, *args: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / package.digest[:8]
        write_package(package, folder)
        (tmp_path / "cwd").mkdir(exist_ok=True)
        # An empty finder in place of mlmagic: the generated code has to do without.
        blocker = tmp_path / "blocker" / "mlmagic"
        blocker.mkdir(parents=True, exist_ok=True)
        (blocker / "__init__.py").write_text("raise ImportError('the package must not need mlmagic')\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIP_", "CLOUD_ML_"))}
        environment |= {"PYTHONPATH": f"{folder}{os.pathsep}{tmp_path / 'blocker'}", **(env or {})}
        command = [sys.executable, "-m", package.module, *args]
        return subprocess.run(
            command, cwd=tmp_path / "cwd", env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run_package
