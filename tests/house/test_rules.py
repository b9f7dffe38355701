"""The checker of the house rules finds what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small repository that keeps all rules."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/house.py").write_text((ROOT / "tools/house.py").read_text())
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6 ; python_full_version < '3.12'\n")
    return tmp_path


def breaches(checkout: Path) -> list[str]:
    command = [sys.executable, "-m", "tools.house"]
    ended = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    *lines, closing = ended.stdout.splitlines()
    assert ended.returncode == bool(lines), ended.stderr
    assert closing == (f"house: {len(lines)} breaches" if lines else "house: all rules kept")
    return lines


def test_a_clean_checkout_passes(checkout: Path) -> None:
    assert breaches(checkout) == []


def test_long_functions_are_found_and_docstrings_are_free(checkout: Path) -> None:
    statements = "    x = 1\n"
    docstring = '    """Told\n' + "\n" * 100 + '    """\n'
    (checkout / "long.py").write_text(f"def long():\n{statements * 61}\n\ndef told():\n{docstring}{statements * 60}")
    assert breaches(checkout) == ["long.py:1: long has 61 lines, more than 60"]


def test_long_modules_are_found(checkout: Path) -> None:
    (checkout / "long.py").write_text("x = 1\n" * 501)
    assert breaches(checkout) == ["long.py:1: the module has 501 lines, more than 500"]


def test_the_lock_has_versions_alone(checkout: Path) -> None:
    lines = ["six==1.17.0", "six @ file:///wheels/six.whl", "--index-url https://example.org/simple", "six>=1"]
    (checkout / "requirements.lock").write_text("\n".join(lines))
    assert [line.split(":")[1] for line in breaches(checkout)] == ["2", "3", "4"]


def test_hosts_of_registries_and_own_paths_are_found(checkout: Path) -> None:
    (checkout / "notes.md").write_text(f"from pypi{'.'}org\nin {checkout}/build\n")
    assert breaches(checkout) == [
        f"notes.md:1: names the host of a registry: pypi{'.'}org",
        f"notes.md:2: names a path of this machine: {checkout}/",
    ]


def test_saved_outputs_are_found(checkout: Path) -> None:
    (checkout / "a.ipynb").write_text('{"cells": [{"outputs": []}, {"outputs": [{}], "execution_count": 3}]}')
    assert breaches(checkout) == ["a.ipynb:1: cell 2 was saved with its output"]
