"""`%jobs` on Google Cloud, here its emulator: the first call of a kernel after the import, and later ones.

The newest ten jobs have not ended, so each list asks the API; the others ended a week ago. A call of Google itself
takes the network's time, too. As a floor, the same request by `requests` alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Sample, print_table, timed

if TYPE_CHECKING:
    from mlmagic.emulator.launch import Emulator
    from mlmagic.workspace.layout import Workspace

COUNTS = (10, 100, 1_000)
UNFINISHED = 10
KERNELS, CALLS = 2, 5
POLL_SECONDS = 0.15
"""Longer than the emulator's shortest time between two looks, so that every call is one."""


def main() -> None:
    if sys.argv[1:]:
        _kernel()
        return
    first: dict[str, list[Sample]] = {}
    later: dict[str, list[Sample]] = {}
    floor: dict[str, list[Sample]] = {}
    imports: list[Sample] = []
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            for told in _kernels(Path(folder) / ".mlmagic", count):
                name = f"{count:,} jobs"
                imports.append(told["import"][0])
                first.setdefault(name, []).extend(told["first"])
                later.setdefault(name, []).extend(told["later"])
                floor.setdefault(f"{name}, the request alone", []).extend(told["floor"])
    print_table("Import of Google's libraries, on a thread of the kernel", {"import": imports}, goal="none")
    print_table("The first %jobs of a kernel after that", first, goal="under 1,000 ms")
    print_table("Later ones", later | floor, goal="under 300 ms")


def _kernels(root: Path, count: int) -> list[Mapping[str, list[Sample]]]:
    """Let kernels list jobs, one after the other, and return what each measured."""
    from mlmagic.emulator.launch import emulator
    from mlmagic.workspace.discovery import open_workspace
    from mlmagic.workspace.layout import Workspace

    workspace = open_workspace(Workspace(root))
    environment = os.environ | {"MLMAGIC_HOME": str(root)}
    with emulator(workspace.emulator) as started:
        fill(workspace, started, count)
        command = [sys.executable, "-m", "benchmarks.google_jobs", "kernel"]
        outputs = [subprocess.check_output(command, env=environment, text=True) for _ in range(KERNELS)]
    documents = [json.loads(output.splitlines()[-1]) for output in outputs]
    return [{name: [Sample(*pair) for pair in pairs] for name, pairs in one.items()} for one in documents]


def fill(workspace: Workspace, emulator: Emulator, count: int) -> None:
    """Write jobs into the workspace, and what Google would know of them into the emulator; nothing runs."""
    from mlmagic.backends.google.names import job_labels, workspace_label
    from mlmagic.backends.google.remote import RemoteRecord, write_remote
    from mlmagic.emulator.documents import DocumentStore
    from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.files import make_folder
    from mlmagic.workspace.rows import write_job

    documents, label = DocumentStore(emulator.root / "state.db"), workspace_label(str(workspace.root))
    parent, time = f"projects/{emulator.project}/locations/{emulator.region}", datetime.now(UTC)
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), backend="emulator")
    with Database(workspace).write() as connection:
        for number in range(count):
            is_over = number >= UNFINISHED
            job_id, state = f"taxi-20260131-{number:06d}-0a1b", JobState.SUCCEEDED if is_over else JobState.PENDING
            name = f"{parent}/customJobs/{number + 1}"
            created = time - timedelta(days=7 * is_over)
            made: dict[str, Any] = {"name": name, "state": f"JOB_STATE_{state}", "display_name": job_id}
            made["create_time"] = created.isoformat().replace("+00:00", "Z")
            made |= {"labels": job_labels(job_id, 1, label, {}), "job_spec": _pools(), "_start_delay_seconds": 0.0}
            documents.put(name, "CustomJob", made)
            remote = RemoteRecord(attempt=1, project="p", region="r", sent_time=created, name=name, state=made["state"])
            make_folder(workspace.job(job_id).root)
            write_remote(workspace.job(job_id), remote)
            row = JobRecord(id=job_id, spec=spec, state=state, create_time=created, update_time=created, attempt=1)
            write_job(connection, row)


def _pools() -> dict[str, Any]:
    container = {"image_uri": "python:3.11", "command": ["python", "-m", "trainer.task"]}
    return {"worker_pool_specs": [{"replica_count": "1", "container_spec": container}]}


def _kernel() -> None:
    """Measure in this process, and print the samples."""
    import mlmagic
    from mlmagic.emulator.launch import ensure_emulator
    from mlmagic.session import current_session, use

    use("emulator")
    imported = timed(_import)
    first = timed(mlmagic.jobs)
    emulator = ensure_emulator(current_session().workspace.emulator)
    later, floor = [], []
    for _ in range(CALLS):
        time.sleep(POLL_SECONDS)
        later.append(timed(mlmagic.jobs))
        floor.append(timed(lambda: _ask(emulator)))
    told = {"import": [imported], "first": [first], "later": later, "floor": floor}
    print(json.dumps({name: [(one.wall, one.cpu) for one in samples] for name, samples in told.items()}))


def _import() -> None:
    import google.cloud.aiplatform_v1
    import google.cloud.storage  # noqa: F401 - what the backend needs for its first call


def _ask(emulator: Emulator) -> None:
    import requests

    parent = f"projects/{emulator.project}/locations/{emulator.region}"
    since = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"filter": f'create_time>="{since}"', "pageSize": "100"}
    headers = {"authorization": f"Bearer {emulator.token}"}
    requests.get(f"{emulator.url}/v1/{parent}/customJobs", query, headers=headers, timeout=60).raise_for_status()


if __name__ == "__main__":
    main()
