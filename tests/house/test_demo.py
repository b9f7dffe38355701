"""The demo shows a notebook as its reader sees it, and tells a cell that failed by its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FAILS_AS_IT_SHOULD = {"tags": ["raises-exception"]}


def demo(folder: Path, *sources: str, **last: object) -> subprocess.CompletedProcess[str]:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[-1].metadata.update(last)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Flights"), *cells])
    nbformat.write(notebook, folder / "small.ipynb")
    command = [sys.executable, "-m", "tools.demo", str(folder / "small.ipynb")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_cells_are_shown_with_what_came_out(tmp_path: Path) -> None:
    job = "%%train taxi --wait\nprint('trained')"
    shown = demo(tmp_path, "%load_ext mlmagic", job, "1 / 0", **FAILS_AS_IT_SHOULD)
    assert shown.returncode == 0, shown.stderr
    for part in ("# Flights", "  │ %%train taxi --wait", "✓ SUCCEEDED  taxi", "│ trained", "ZeroDivisionError"):
        assert part in shown.stdout
    assert "\x1b" not in shown.stdout


def test_a_cell_that_should_not_fail_ends_it_and_its_jobs(tmp_path: Path) -> None:
    endless = "%%train taxi\nimport time\ntime.sleep(600)"
    shown = demo(tmp_path, "%load_ext mlmagic", endless, "1 / 0", "print('not reached')")
    assert shown.returncode == 1
    assert shown.stdout.splitlines()[-1].endswith("failed with ZeroDivisionError.")
    assert "not reached\n" not in shown.stdout
