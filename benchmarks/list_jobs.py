"""Listing jobs: 10,000 as `%jobs` does, and 100,000 through filters.

The floor is SQLite handing over the same columns of the same rows. As a peer, `gcloud ai-platform jobs list`:
it fetches all records and filters them in Python.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Sample, interleaved, print_table, timed

if TYPE_CHECKING:
    from mlmagic.spec.job import JobRecord

FEW, MANY = 10_000, 100_000
ROUNDS = 9
COLUMNS = (
    "id, display_name, kind, backend, state, create_time, start_time, end_time, priority, attempt, model_version, error"
)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAMES = ("census", "flights", "taxi", "rnn")

FILTERS = {
    "columns": "jobId:census* AND state:FAILED",
    "columns, numbers and times": "createTime>2026-01-25 AND priority>=2 AND -scaleTier=CUSTOM",
    "labels": "labels.owner=ada AND state=FAILED",
    "flags": "flags.learning_rate<0.0001 AND flags.optimizer=adam",
    "metrics": "metrics.val_loss<0.001",
    "regular expression on columns": "displayName~'^(taxi|rnn)$' AND state=FAILED AND priority>7",
    "regular expression on flags": "flags.optimizer~^ad.m$ AND flags.learning_rate<0.0001",
    "what only records have": "gitCommit:abc12*",
    "everything": "",
}


def main() -> None:
    _print_lists()
    with tempfile.TemporaryDirectory() as folder:
        database = fill_workspace(Path(folder) / ".mlmagic", MANY)
        size = database.stat().st_size / 2**20
        print(f"\n{MANY:,} jobs make a database of {size:.0f} MiB")
        for name, text in FILTERS.items():
            _print_filter(database, name, text)
        _print_peer(database)


def _print_lists() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = fill_workspace(Path(folder) / ".mlmagic", FEW)
        os.environ["MLMAGIC_HOME"] = str(database.parent)

        import mlmagic

        variants = {
            "mlmagic.jobs(limit=None)": lambda: timed(lambda: mlmagic.jobs(limit=None)),
            "mlmagic.jobs()": lambda: timed(mlmagic.jobs),
            "SELECT in sqlite3, all rows": lambda: timed(lambda: _select(database, "1")),
        }
        listed = len(mlmagic.jobs(limit=None))
        print_table(f"Listing {listed:,} jobs", interleaved(variants, rounds=ROUNDS), goal="under 200 ms")


def _print_filter(database: Path, name: str, text: str) -> None:
    from mlmagic.filters.parser import parse
    from mlmagic.filters.sql import condition
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.jobs import JobStore
    from mlmagic.workspace.layout import Workspace

    store = JobStore(Database(Workspace(database.parent)))

    def listed(limit: int | None) -> Callable[[], Sample]:
        return lambda: timed(lambda: store.list(where=condition(parse(text), NOW), limit=limit))

    variants = {
        "the newest 50": listed(50),
        "without limit": listed(None),
        "SELECT in sqlite3, no filter": lambda: timed(lambda: _select(database, "1")),
    }
    found = len(store.list(where=condition(parse(text), NOW)))
    title = f"Filter on {name}: {text or '(none)'}: {found:,} of {MANY:,} jobs"
    print_table(title, interleaved(variants, rounds=ROUNDS), goal="under 300 ms where SQL can say it")


def _print_peer(database: Path) -> None:
    from mlmagic.filters.parser import parse
    from mlmagic.filters.predicate import matches

    given = parse(FILTERS["columns"])

    def fetch_and_filter() -> None:
        with closing(sqlite3.connect(database)) as connection:
            documents = (json.loads(row[0]) for row in connection.execute("SELECT record FROM records"))
            sum(matches(given, document, NOW) for document in documents)

    variants = {"all records, filtered in Python": lambda: timed(fetch_and_filter)}
    print_table(f"As gcloud filters: {given.text}", interleaved(variants, rounds=3), goal="none, it is the peer")


def _select(database: Path, condition: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"SELECT {COLUMNS} FROM jobs WHERE {condition} ORDER BY create_time DESC").fetchall()  # noqa: S608


def fill_workspace(root: Path, count: int) -> Path:
    """Make a workspace with rows of many jobs, and return its database. Folders say nothing about listing."""
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.discovery import open_workspace
    from mlmagic.workspace.layout import Workspace
    from mlmagic.workspace.rows import write_job

    workspace = open_workspace(Workspace(root))
    with Database(workspace).write() as connection:
        for number in range(count):
            write_job(connection, _record(number))
    return workspace.database


def _record(number: int) -> JobRecord:
    from mlmagic.spec.job import JobError, JobRecord, JobSpec, JobState, Origin, PackageReference, Placement
    from mlmagic.spec.resources import Resources

    name, is_failed = NAMES[number % 4], number % 10 == 0
    created = NOW - timedelta(seconds=7 * number)
    spec = JobSpec(
        display_name=name,
        package=PackageReference(digest=f"{number:064x}", requirements=("tensorflow==2.21.0", "keras==3.15.0")),
        resources=Resources(scale_tier="CUSTOM" if number % 3 == 0 else "BASIC"),
        model=name,
        priority=number % 9,
        labels={"owner": "ada" if number % 5 == 0 else "bob", "team": "research"},
        flags={
            "learning_rate": str((number * 7919 % 10_000) / 10_000),
            "optimizer": "adam" if number % 2 else "sgd",
            "epochs": "5",
            "batch_size": "64",
        },
        versions={"python": "3.11.7", "mlmagic": "0.1.0", "tensorflow": "2.21.0", "keras": "3.15.0", "numpy": "2.3.1"},
        git_commit=f"{number * 2654435761 % 2**32:08x}",
        origin=Origin(notebook="/home/ada/notebooks/taxi.ipynb", cell_id=f"{number:08x}", cell_number=number % 100),
        python="/usr/bin/python3",
        working_directory="/home/ada/notebooks",
        placement=Placement(cores=1.0, memory_bytes=1 << 30),
    )
    return JobRecord(
        id=f"{name}-20260131-{number:06d}-{number % 65536:04x}",
        spec=spec,
        state=JobState.FAILED if is_failed else JobState.SUCCEEDED,
        create_time=created,
        start_time=created + timedelta(seconds=1),
        end_time=created + timedelta(seconds=60),
        update_time=created + timedelta(seconds=60),
        attempt=1,
        exit_code=1 if is_failed else 0,
        error=JobError(message="ValueError: no such column: fare") if is_failed else None,
        model_version=None if is_failed else f"{name}@{number}",
        metrics={"loss": (number * 104729 % 10**6) / 10**6, "val_loss": (number * 15485863 % 10**6) / 10**6},
    )


if __name__ == "__main__":
    main()
