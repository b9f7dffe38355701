"""A million rows predicted by threads and by a pipeline of Beam on this machine: `python -m benchmarks.batch.beam`.

The same program with and without `--runner direct`, in turn, imports included; what both wrote is compared.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.batch.__main__ import BUILD, few_rows, make_model, ours
from benchmarks.batch.rows import ROWS_PER_FILE, make_files
from benchmarks.measure import Run, run_program

_WAYS = {"threads": (), "direct": ("--runner", "direct")}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.batch.beam", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    rounds = arguments.parse_args().rounds
    BUILD.mkdir(parents=True, exist_ok=True)
    files = make_files(BUILD)
    make_model()
    taken: dict[tuple[str, str], list[Run]] = {}
    for _ in range(rounds):
        for kind, file in files.items():
            with tempfile.TemporaryDirectory(dir=BUILD) as folder:
                few = few_rows(file, Path(folder))
                for way, words in _WAYS.items():
                    command = ours(Path(folder, f"{way}.{kind}"), [file])
                    taken.setdefault((way, kind), []).append(run_program([*command, *words]))
                    start = ours(Path(folder, f"few-{way}.{kind}"), [few])
                    taken.setdefault((way, f"{kind}, no rows"), []).append(run_program([*start, *words]))
                one, other = (Path(folder, f"{way}.{kind}") for way in _WAYS)
                if not filecmp.cmp(one, other, shallow=False):
                    raise AssertionError("what they wrote is not the same")
    print(f"\n{ROWS_PER_FILE:,} rows; medians of {rounds} interleaved rounds; load {os.getloadavg()[0]:.2f}\n")
    print(f"  {'':26}  {'wall s':>7}  {'min':>6}  {'max':>6}  {'CPU s':>6}  {'MiB':>6}")
    for (way, kind), runs in taken.items():
        wall, cpu, memory = (statistics.median(getattr(run, key) for run in runs) for key in ("wall", "cpu", "memory"))
        walls = [run.wall for run in runs]
        print(f"  {way:8}  {kind:16}  {wall:7.2f}  {min(walls):6.2f}  {max(walls):6.2f}  {cpu:6.2f}  {memory:6.0f}")


if __name__ == "__main__":
    main()
