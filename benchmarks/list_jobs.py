"""Listing 10,000 jobs; the floor is SQLite handing over the same columns of the same rows."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import interleaved, print_table, timed

JOBS = 10_000
ROUNDS = 15
COLUMNS = "id, display_name, kind, backend, state, create_time, start_time, end_time, model_version, error"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLMAGIC_HOME"] = str(Path(folder) / ".mlmagic")
        database = _fill()

        import mlmagic

        def raw() -> None:
            with closing(sqlite3.connect(database)) as connection:
                connection.execute(f"SELECT {COLUMNS} FROM jobs ORDER BY create_time DESC").fetchall()  # noqa: S608

        variants = {
            "mlmagic.jobs(limit=None)": lambda: timed(lambda: mlmagic.jobs(limit=None)),
            "mlmagic.jobs()": lambda: timed(mlmagic.jobs),
            "SELECT in sqlite3, all rows": lambda: timed(raw),
        }
        listed = len(mlmagic.jobs(limit=None))
        print_table(f"Listing {listed:,} jobs", interleaved(variants, rounds=ROUNDS), goal="under 200 ms")


def _fill() -> Path:
    """Make a workspace with many jobs, and return its database.

    One job is made as every job is, and its row is repeated: 10,000 folders would say nothing about listing.
    """
    from mlmagic.session import current_session
    from mlmagic.spec.job import JobSpec, JobState, PackageReference
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.jobs import JobStore

    workspace = current_session().workspace
    store = JobStore(Database(workspace))
    now = datetime.now(UTC)
    spec = JobSpec(display_name="flights", package=PackageReference(digest="0" * 64))
    job = store.create(spec, package_files={}, now=now)
    store.advance(job.id, expect={JobState.QUEUED}, to=JobState.PENDING, now=now)
    store.advance(
        job.id, expect={JobState.PENDING}, to=JobState.SUCCEEDED, now=now, model_version="flights@1", end_time=now
    )
    with closing(sqlite3.connect(workspace.database)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(jobs)")]
        kept = ", ".join(name for name in names if name not in ("id", "create_time"))
        connection.executemany(
            f"INSERT INTO jobs (id, create_time, {kept}) SELECT ?, create_time + ?, {kept} FROM jobs WHERE id = ?",  # noqa: S608
            [(f"flights-20260101-{n:06d}-{n:04x}", n, job.id) for n in range(1, JOBS)],
        )
    return workspace.database


if __name__ == "__main__":
    main()
