"""Jobs that nobody runs yet, and processes that are looked at."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import psutil

from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.testing.backends import COLD, make_package
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace


class Jobs:
    """A workspace's jobs, without anybody who runs them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.database = Database(workspace)
        self.store = JobStore(self.database)

    def make(self, source: str, *, create_time: datetime | None = None, **fields: object) -> JobFolder:
        package = make_package(source)
        spec = JobSpec(
            display_name="taxi",
            **{  # type: ignore[arg-type]
                "package": PackageReference(digest=package.digest, cold_reason=COLD),
                "working_directory": os.fspath(self.workspace.root),
                **fields,
            },
        )
        record = self.store.create(
            spec, package_files=package.files, source_map=package.source_map, now=create_time or datetime.now(UTC)
        )
        return self.workspace.job(record.id)


def is_running(pid: int) -> bool:
    """Say whether a process is there; one that is dead and waits to be reaped is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
