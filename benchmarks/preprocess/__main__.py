"""Ten million rides, analysed, cleaned, split and written, beside the peers: `python -m benchmarks.preprocess`.

Every engine does the work of one contract, which is checked on what it wrote (`contract.py`), in a process of its own,
imports included, round after round. What cannot do ten million rows in reasonable time does fewer, and is compared by
rows per CPU second. Ours always computes all of its statistics; the peers compute those that the contract asks for, and
Polars in a second row all of them. Peers live in an environment of their own, `build/peers`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measure import Run, run_program
from benchmarks.preprocess.rides import ROWS_PER_FILE, make_rides

BUILD = Path("build/benchmarks")
PEERS = Path("build/peers")
HERE = Path(__file__).parent
EXACT, SINGLE = 1e-9, 1e-4
CELL = """
import pyarrow as pa
import pyarrow.compute as pc

def clean(batch: pa.RecordBatch):
    return batch.filter(pc.and_(pc.greater(batch["fare"], 0), pc.less(batch["fare"], 200)))
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to do the work. `command` gets format, rows of a shard, output and files."""

    name: str
    command: Callable[[str, int, Path, Sequence[Path]], list[str]]
    relative: float = EXACT


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.preprocess", description=__doc__)
    arguments.add_argument("--rows", type=int, default=10 * ROWS_PER_FILE)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    make_peers()
    files = make_rides(BUILD / "rides", given.rows)
    fast = [ours(), peer("Polars, streaming", "polars"), peer("Polars, all statistics", "polars_full")]
    fast += [peer("DuckDB", "duckdb"), peer("pandas", "pandas")]
    for kind in ("parquet", "csv"):
        compare(
            f"{given.rows:,} rows of {kind}; goal: 1.5x Polars's time, 0.6x its memory",
            fast,
            kind,
            files[kind],
            given.rounds,
        )
    few = make_rides(BUILD / "few-rides", ROWS_PER_FILE // 5)
    compare(
        "200,000 rows of csv; goal: 20x the rows per CPU second",
        [ours(), peer("Beam, row by row", "beam_rows")],
        "csv",
        few["csv"],
        1,
    )
    transform = peer("TensorFlow Transform", "transform", relative=SINGLE)
    compare("1,000,000 rows of parquet", [ours(), transform], "parquet", files["parquet"][:1], 1)
    scale(files)


def make_peers() -> None:
    """Make the environment of the peers, unless it is there."""
    wanted = HERE / "peers.txt"
    stamp = PEERS / "peers.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, PEERS], check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", PEERS / "bin/python", "-r", wanted],
        check=True,
    )
    shutil.copy(wanted, stamp)


def ours() -> Engine:
    """Return mlmagic: the package of a cell, run as a job runs it."""
    from mlmagic.api.preprocessing import plan_preprocessing

    package = BUILD / "package"
    shutil.rmtree(package, ignore_errors=True)
    plan_preprocessing("rides", input=__file__, key="id", source=CELL).export(package)

    def command(kind: str, _shard: int, output: Path, files: Sequence[Path]) -> list[str]:
        program = f"import sys; sys.path[0] = {str(package.resolve())!r}; import runpy; "
        program += "runpy.run_module('preprocessor.task', run_name='__main__', alter_sys=True)"
        words = ["--format", kind, "--key", "id", "--output", str(output), "--input", *map(str, files)]
        return [sys.executable, "-c", program, *words]

    return Engine("mlmagic (Beam, columnar)", command)


def peer(name: str, script: str, *, relative: float = EXACT) -> Engine:
    """Return a peer: a program of `engines`."""

    def command(kind: str, shard: int, output: Path, files: Sequence[Path]) -> list[str]:
        program = HERE / "engines" / f"{script}_engine.py"
        return [str(PEERS / "bin/python"), str(program), kind, str(shard), str(output), *map(str, files)]

    return Engine(name, command, relative)


def compare(title: str, engines: Sequence[Engine], kind: str, files: Sequence[Path], rounds: int) -> None:
    """Run all engines in turn and print what they took; the first run of each is checked."""
    rows, kept = _count(files, kind)
    shard = max(65536, int(kept * 0.8 / max(1, _shards_wanted(files))))
    taken: dict[str, list[Run]] = {engine.name: [] for engine in engines}
    for number in range(rounds):
        for engine in engines:
            with tempfile.TemporaryDirectory(dir=BUILD) as folder:
                output = Path(folder)
                taken[engine.name].append(run_program(engine.command(kind, shard, output, files)))
                if number == 0:
                    words = (output, kept, max(1, round(kept * 0.8 / shard)), engine.relative)
                    checker = [sys.executable, "-m", "benchmarks.preprocess.contract", *map(str, words)]
                    subprocess.run(checker, check=True)
    _print(title, taken, rows)


def scale(files: dict[str, list[Path]]) -> None:
    """Run ours over more and more files, up to 20 GB by repetition: time should follow, memory should not."""
    engine, taken = ours(), {}
    for kind, counts in (("parquet", (1, 2, 5, 10)), ("csv", (1, 20, 200))):
        for count in counts:
            with tempfile.TemporaryDirectory(dir=BUILD) as folder:
                links = [Path(folder, f"rides-{number:04d}.{kind}") for number in range(count)]
                for number, link in enumerate(links):
                    link.symlink_to(files[kind][number % len(files[kind])].resolve())
                gigabytes = sum(link.stat().st_size for link in links) / 1e9
                took = run_program(engine.command(kind, 0, Path(folder, "dataset"), links))
                taken[kind, count] = gigabytes, took
    print("\nmlmagic over more and more files (1,000,000 rows each)\n  goal: linear, and memory flat\n")
    print(f"  {'':8}{'files':>6}  {'GB':>6}  {'wall s':>8}  {'CPU s':>8}  {'MiB':>6}  {'CPU s a file':>12}")
    for (kind, count), (gigabytes, took) in taken.items():
        each = took.cpu / count
        told = f"{gigabytes:6.2f}  {took.wall:8.1f}  {took.cpu:8.1f}  {took.memory:6.0f}  {each:12.2f}"
        print(f"  {kind:8}{count:6}  {told}")


def _count(files: Sequence[Path], kind: str) -> tuple[int, int]:
    """Return how many rows there are, and how many pass the filter."""
    rows = kept = 0
    for file in files:
        fares = pq.read_table(file.with_suffix(".parquet") if kind == "csv" else file, columns=["fare"])["fare"]
        rows += len(fares)
        kept += pc.sum(pc.and_(pc.greater(fares, 0), pc.less(fares, 200))).as_py()
    return rows, kept


def _shards_wanted(files: Sequence[Path]) -> int:
    """Return about how many shards ours makes of the largest split: one a unit of work. No row group is cut."""
    from mlmagic.preprocessing.reading.units import LARGEST, SMALLEST

    size = sum(file.stat().st_size for file in files)
    units = max(1, round(size / min(LARGEST, max(SMALLEST, size / 16))))
    if files[0].suffix != ".parquet":
        return units
    groups: int = sum(pq.read_metadata(file).num_row_groups for file in files)
    return min(units, groups)


def _print(title: str, taken: dict[str, list[Run]], rows: int) -> None:
    rounds = len(next(iter(taken.values())))
    print(f"\n{title}\n  medians of {rounds} interleaved rounds, imports included; load {os.getloadavg()[0]:.2f}\n")
    width = max(map(len, taken))
    columns = (
        ("wall s", 7),
        ("min", 6),
        ("max", 6),
        ("CPU s", 6),
        ("MiB", 6),
        ("rows/CPU-s", 11),
        ("wall", 5),
        ("memory", 6),
    )
    heads = "  ".join(f"{name:>{size}}" for name, size in columns)
    print(f"  {'':{width}}  {heads}")
    peer_runs = list(taken.values())[1]
    for name, runs in taken.items():
        wall, cpu, memory = (statistics.median(getattr(one, key) for one in runs) for key in ("wall", "cpu", "memory"))
        peer_wall, peer_memory = (
            statistics.median(getattr(one, key) for one in peer_runs) for key in ("wall", "memory")
        )
        walls = [one.wall for one in runs]
        print(
            f"  {name:{width}}  {wall:7.2f}  {min(walls):6.2f}  {max(walls):6.2f}  {cpu:6.2f}  {memory:6.0f}  "
            f"{rows / cpu:11,.0f}  {wall / peer_wall:4.2f}x  {memory / peer_memory:5.2f}x"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
