"""Files larger than memory: what a run needs does not grow with its input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

ROWS = 200_000
PROGRAM = "from mlmagic.preprocessing.main import main; main('cell')"


@pytest.fixture
def table() -> pa.Table:
    random = np.random.default_rng(5)
    return pa.table(
        {
            "id": [f"ride-{n}" for n in range(ROWS)],
            "fare": random.gamma(2, 8, ROWS).round(2),
            "place": random.normal(size=ROWS),
            "company": [f"c{n}" for n in random.integers(0, 300, ROWS)],
        }
    )


def peak(folder: Path, times: int, suffix: str) -> int:
    """The largest resident set of a run over the same file so many times, in MB."""
    (folder / "cell.py").write_text("", "utf-8")
    names = [f"{times}-{n}.{suffix}" for n in range(times)]
    for name in names:
        (folder / name).symlink_to(folder / f"file.{suffix}")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--input", *names, "--output", f"out-{times}", "--workers", "2"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss // 1024


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_memory_does_not_grow_with_the_input(tmp_path: Path, table: pa.Table, suffix: str) -> None:
    if suffix == "csv":
        pyarrow.csv.write_csv(table, tmp_path / "file.csv")
    else:
        pq.write_table(table, tmp_path / "file.parquet", row_group_size=50_000)
    few, many = peak(tmp_path, 5, suffix), peak(tmp_path, 30, suffix)
    assert many < 1.2 * few
