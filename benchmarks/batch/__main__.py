"""A million rows predicted, as CSV and as Parquet, beside pandas + `model.predict`: `python -m benchmarks.batch`.

Each way reads the files, predicts with the same model and writes all columns and the prediction, in a process of its
own, imports included, round after round. What both wrote is compared. Then ours over ten times as many rows: time
should follow, memory should not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks.batch.rows import ROWS_PER_FILE, make_files
from benchmarks.measure import Run, run_program

BUILD = Path("build/benchmarks/batch")
MODEL = "m1"
_PROGRAM = "from mlmagic.serving.batch.main import main; main()"
_START = "no rows"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--scale", type=int, default=10, help="how many million rows at the most")
    given = arguments.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    files = make_files(BUILD)
    keras_file = make_model()
    compare(files, keras_file, given.rounds)
    scale(files, given.scale)


def make_model() -> Path:
    """Make the model, and register it in a workspace; return its `.keras` file."""
    folder = BUILD / "models"
    made = folder / MODEL / "model.keras"
    if not (folder / MODEL / "requests-64.json").exists():
        subprocess.run([sys.executable, "-m", "benchmarks.serving.models", folder], check=True)
    if not (BUILD / ".mlmagic").exists():
        _register(folder / MODEL / "1")
    return made


def _register(saved: Path) -> None:
    from mlmagic.serving.engines.artifact import read_signature
    from mlmagic.session import Session
    from mlmagic.spec.model import ModelOrigin

    session = Session(environ={"MLMAGIC_HOME": str(BUILD / ".mlmagic")})
    copy = BUILD / "copy"
    shutil.copytree(saved, copy)
    signature = read_signature(copy)
    session.models.register(MODEL, copy, origin=ModelOrigin(), signature=signature, now=datetime.now(UTC))


def ours(output: Path, files: Sequence[Path]) -> list[str]:
    """Return the command of mlmagic: what a batch prediction job runs."""
    words = ["--model", f"{MODEL}@1", "--workspace", str(BUILD / ".mlmagic"), "--output", str(output)]
    return [sys.executable, "-c", _PROGRAM, *words, "--input", *map(str, files)]


def peer(keras_file: Path, kind: str, output: Path, files: Sequence[Path]) -> list[str]:
    """Return the command of pandas and `predict`."""
    program = Path(__file__).with_name("keras_peer.py")
    return [sys.executable, str(program), str(keras_file), kind, str(output), *map(str, files)]


def compare(files: dict[str, Path], keras_file: Path, rounds: int) -> None:
    """Run both in turn; the first outputs are compared."""
    taken: dict[tuple[str, str], list[Run]] = {}
    for number in range(rounds):
        for kind, file in files.items():
            with tempfile.TemporaryDirectory(dir=BUILD) as folder:
                outputs = [Path(folder, f"{name}.{kind}") for name in ("ours", "theirs")]
                few = few_rows(file, Path(folder))
                commands = {
                    ("mlmagic", kind): ours(outputs[0], [file]),
                    ("pandas + predict", kind): peer(keras_file, kind, outputs[1], [file]),
                    ("mlmagic", f"{kind}, {_START}"): ours(Path(folder, f"few-ours.{kind}"), [few]),
                    ("pandas + predict", f"{kind}, {_START}"): peer(
                        keras_file, kind, Path(folder, f"few-theirs.{kind}"), [few]
                    ),
                }
                for key, command in commands.items():
                    taken.setdefault(key, []).append(run_program(command))
                if number == 0:
                    check(*map(read_predictions, outputs))
    _print(taken, rounds)


def few_rows(file: Path, folder: Path) -> Path:
    """Write the first rows of a file: what they take is what it takes to start."""
    few = folder / f"few{file.suffix}"
    if file.suffix == ".csv":
        with file.open("rb") as lines:
            few.write_bytes(b"".join(lines.readline() for _ in range(11)))
    else:
        pq.write_table(pq.ParquetFile(file).read_row_group(0).slice(0, 10), few)
    return few


def read_predictions(file: Path) -> pa.Table:
    """Return ids and predictions."""
    table = pacsv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
    return table.select(["id", "prediction"])


def check(one: pa.Table, other: pa.Table) -> None:
    """Make sure that both predict the same, in the same order."""
    if not one["id"].equals(other["id"]):
        raise AssertionError("the rows are in another order")
    np.testing.assert_allclose(one["prediction"].to_numpy(), other["prediction"].to_numpy(), rtol=1e-4, atol=1e-5)


def scale(files: dict[str, Path], most: int) -> None:
    """Run ours over more and more rows."""
    print("\nmlmagic over more and more rows\n  goal: memory flat\n")
    print(f"  {'':8}  {'M rows':>6}  {'wall s':>7}  {'CPU s':>6}  MiB")
    for kind, file in files.items():
        for count in (1, most):
            with tempfile.TemporaryDirectory(dir=BUILD) as folder:
                links = [Path(folder, f"{number:03d}.{kind}") for number in range(count)]
                for link in links:
                    link.symlink_to(file.resolve())
                took = run_program(ours(Path(folder, f"out.{kind}"), links))
                print(f"  {kind:8}  {count:6}  {took.wall:7.1f}  {took.cpu:6.1f}  {took.memory:3.0f}", flush=True)


def _print(taken: dict[tuple[str, str], list[Run]], rounds: int) -> None:
    print(f"\n{ROWS_PER_FILE:,} rows; goal: 8x the rows a second of pandas + predict")
    print(f"  medians of {rounds} interleaved rounds; load {os.getloadavg()[0]:.2f}; rows a second without the start\n")
    print(
        f"  {'':34}  {'wall s':>7}  {'min':>6}  {'max':>6}  {'CPU s':>6}  {'MiB':>6}  {'rows/s':>9}  {'rows/CPU-s':>10}"
    )
    for (name, kind), runs in taken.items():
        wall, cpu, memory = (
            statistics.median(getattr(each, key) for each in runs) for key in ("wall", "cpu", "memory")
        )
        walls = [each.wall for each in runs]
        line = f"  {name:16}  {kind:16}  {wall:7.2f}  {min(walls):6.2f}  {max(walls):6.2f}  {cpu:6.2f}  {memory:6.0f}"
        if started := taken.get((name, f"{kind}, {_START}")):
            rest = [ROWS_PER_FILE / (a.wall - b.wall) for a, b in zip(runs, started, strict=True)]
            rest_cpu = [ROWS_PER_FILE / (a.cpu - b.cpu) for a, b in zip(runs, started, strict=True)]
            line += f"  {statistics.median(rest):9,.0f}  {statistics.median(rest_cpu):10,.0f}"
        print(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
