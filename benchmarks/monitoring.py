"""`%monitor` of 1,000 to a million logged requests: requests a second, wall and CPU seconds, and peak memory.

Each round is a process of its own, as a notebook's first `%monitor` is.
`python -m benchmarks.monitoring [ROUNDS]`
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.measure import Run, run_program
from mlmagic.serving.request_log.convert import convert_journals
from mlmagic.serving.request_log.records import Head, Logged, pack, pack_head
from mlmagic.session import Session
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec
from mlmagic.spec.statistics import DatasetStatistics, RowCounts
from mlmagic.statistics.accumulator import SplitAccumulator
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

NAME = "rides"
SIZES = (1_000, 10_000, 1_000_000)
ROUNDS = 5
GOAL = "a million requests in 10 s of CPU"
COLUMNS = {
    "miles": ColumnType.FLOAT,
    "minutes": ColumnType.FLOAT,
    "hour": ColumnType.INTEGER,
    "zone": ColumnType.STRING,
}
_JOURNAL_RECORDS = 200_000
_NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def main() -> None:
    if len(sys.argv) > 3:
        work = {"fill": fill, "monitor": monitor_once}[sys.argv[1]]
        work(Path(sys.argv[2]), int(sys.argv[3]))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"\n%monitor of logged requests of {len(COLUMNS)} values each; load {os.getloadavg()[0]:.1f}")
    print(f"  goal: {GOAL}; medians of {rounds} processes; of a process without it, in brackets\n")
    print(f"  {'requests':>9}  {'requests/s':>10}  {'wall s':>14}  {'CPU s':>14}  {'MiB':>14}")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as home:
            # Not here: what this process has taken would be told as the memory of those that it starts.
            run("fill", home, size)
            runs = [run("monitor", home, size) for _ in range(rounds)]
            floors = [run("monitor", home, 0) for _ in range(rounds)]
        wall, cpu, memory = (medians(runs, floors, name) for name in ("wall", "cpu", "memory"))
        rate = size / (statistics.median(each.wall for each in runs) - statistics.median(each.wall for each in floors))
        print(f"  {size:9,}  {rate:10,.0f}  {wall:>14}  {cpu:>14}  {memory:>14}")


def medians(runs: list[Run], floors: list[Run], name: str) -> str:
    mine, floor = (statistics.median(getattr(each, name) for each in some) for some in (runs, floors))
    return f"{mine:.2f} ({floor:.2f})" if mine < 100 else f"{mine:.0f} ({floor:.0f})"


def run(work: str, home: str, size: int) -> Run:
    return run_program([sys.executable, "-m", "benchmarks.monitoring", work, home, str(size)])


def monitor_once(home: Path, size: int) -> None:
    """Import everything, and monitor unless there is nothing to expect."""
    from mlmagic.api.monitor import monitor

    session = session_of(home)
    if size:
        found = monitor(NAME, session=session)
        if found.requests != size:
            raise RuntimeError(f"{found.requests} requests were found, not {size}")


def session_of(home: Path) -> Session:
    return Session(environ=os.environ | {"MLMAGIC_HOME": os.fspath(home)}, start=home)


def fill(home: Path, size: int) -> None:
    """Write a model that keeps what it was trained on, its endpoint, and a log with so many requests."""
    session = session_of(home)
    artifact = home / "artifact"
    artifact.mkdir()
    (artifact / "saved_model.pb").write_bytes(b"not read")
    inputs = tuple(
        TensorSpec(name=name, dtype="string" if kind is ColumnType.STRING else "float32", shape=(None,))
        for name, kind in COLUMNS.items()
    )
    outputs = (TensorSpec(name="fare", dtype="float32", shape=(None,)),)
    version = session.models.register(
        "taxi", artifact, origin=ModelOrigin(), signature=Signature(inputs=inputs, outputs=outputs), now=_NOW
    )
    counts = SplitAccumulator([Column(name=name, type=kind) for name, kind in COLUMNS.items()])
    counts.add(rides(100_000, seed=0))
    known = DatasetStatistics(splits={"train": counts.result()}, rows=RowCounts(read=100_000, written=100_000))
    session.workspace.version("taxi", version.number).statistics.write_text(dumps(known))
    deployed = (DeployedVersion(number=version.number, traffic=100),)
    spec = EndpointSpec(name=NAME, model="taxi", deployed=deployed, port=1, create_time=_NOW, update_time=_NOW)
    EndpointStore(Database(session.workspace)).create(spec)
    log(session.workspace.endpoint(NAME).requests, rides(size, seed=1))
    session.close()


def rides(count: int, *, seed: int) -> pa.RecordBatch:
    chance = np.random.default_rng(seed)
    miles = chance.lognormal(1, 1, count)
    zones = np.array([f"zone {number}" for number in range(40)])[chance.integers(0, 40, count)]
    values = {"miles": miles, "minutes": miles * 3, "hour": chance.integers(0, 24, count), "zone": zones}
    return pa.RecordBatch.from_pydict(values)


def log(folder: Path, rows: pa.RecordBatch) -> None:
    """Log a request for each row, as they are once their journals have been converted."""
    folder.mkdir()
    lines = rows.to_pandas().to_json(orient="records", lines=True, double_precision=15).encode().splitlines()
    for start in range(0, len(lines), _JOURNAL_RECORDS):
        records = [
            Logged(
                int((_NOW + timedelta(milliseconds=at)).timestamp() * 1e6),
                at,
                1,
                b'{"instances": [%b]}' % line,
                b'{"predictions": [[12.345678]]}',
            )
            for at, line in enumerate(lines[start : start + _JOURNAL_RECORDS], start)
        ]
        content = pack_head(Head(NAME, "taxi", None)) + pack(records)
        (folder / f".{start:020d}-1.journal").write_bytes(content)
    convert_journals(folder)


if __name__ == "__main__":
    main()
