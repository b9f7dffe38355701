"""200 jobs and more from two kernels, while everything around them is killed, stopped and filled."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from soak.chaos import UNFINISHED, Chaos

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace

SECONDS = float(os.environ.get("MLMAGIC_SOAK_SECONDS", "60"))
JOBS = max(200, int(SECONDS))
SETTLING_SECONDS = 240.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, bool]]:
    """A small disk, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)]
    is_small = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    yield folder, is_small
    if is_small:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + SETTLING_SECONDS + 120)
def test_every_job_ends_truthfully_whatever_is_killed(disk: tuple[Path, bool], tmp_path: Path) -> None:
    folder, is_small = disk
    workspace = open_workspace(Workspace(folder / ".mlmagic"))
    chaos = Chaos(workspace=workspace, ledger=tmp_path, seed=int(time.time()), can_fill=is_small)
    print(f"seed {chaos.seed}")
    try:
        for _ in range(2):
            chaos.start_kernel()
        torment(chaos)
        records = settle(workspace)
        told = Counter(record.state for record in records)
        print(f"{len(records)} jobs: {dict(told)}; {chaos.done}")
        check(records, read_ledger(tmp_path))
        check_database(workspace)
    finally:
        chaos.calm_down()
        for kernel in chaos.kernels:
            kernel.kill()
    killed = {record.id for record in records if record.error and "supervisor" in record.error.message}
    assert not [process for process in processes_below(folder) if not is_untraceable(process, killed)]


def is_untraceable(process: str, killed: Collection[str]) -> bool:
    """Say whether its supervisor, which alone knew of it, was killed in the moment in which it left its session.

    Such a process has no mark, no session and no parent that lead to its job. It is ended here.
    """
    pid, *_, job = process.split()
    if job not in killed:
        return False
    os.kill(int(pid), signal.SIGKILL)
    return True


def torment(chaos: Chaos) -> None:
    """Submit all jobs over the time, and break something between any two of them."""
    began = time.monotonic()
    for index in range(JOBS):
        chaos.submit()
        if index % 2:
            chaos.strike()
        time.sleep(max(0.0, began + SECONDS * (index + 1) / JOBS - time.monotonic()))
    chaos.calm_down()


def settle(workspace: Workspace) -> list[JobRecord]:
    """Wait until every job is final, as a reader in a new process would see it."""
    backend = LocalBackend(workspace)
    deadline = time.monotonic() + SETTLING_SECONDS
    while left := backend.list(states=UNFINISHED):
        told = [(job.id, str(job.state)) for job in left[:5]]
        assert time.monotonic() < deadline, f"{len(left)} jobs never ended: {told}"
        time.sleep(0.2)
    return [backend.get(job.id) for job in backend.list()]


def read_ledger(folder: Path) -> dict[str, Counter[str]]:
    """What the programs themselves noted: words by job."""
    notes: dict[str, Counter[str]] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / "ledger").read_text("utf-8").splitlines():
            job_id, replica, word = line.split()
            notes.setdefault(job_id, Counter())[f"{replica} {word}"] += 1
    return notes


def check(records: list[JobRecord], notes: dict[str, Counter[str]]) -> None:
    """Compare what the records say with what the programs noted."""
    known = {record.id for record in records}
    assert set(notes) <= known, "a job ran that has no record"
    for record in records:
        noted = notes.get(record.id, Counter())
        assert not noted["chief-0 TWICE"], record
        assert noted["chief-0 begin"] <= record.attempt <= 1 + record.spec.max_retries, record
        assert record.state in {JobState.SUCCEEDED, JobState.FAILED}, record
        if record.state is JobState.SUCCEEDED:
            # A supervisor that is killed after its program has ended costs the attempt, not the truth.
            assert 1 <= noted["chief-0 end"] <= noted["chief-0 begin"], record
        else:
            assert record.error is not None, record
            assert "fail" not in record.spec.args or noted["chief-0 end"] <= 1 or record.error.message, record
    assert any(record.state is JobState.SUCCEEDED for record in records)


def check_database(workspace: Workspace) -> None:
    """See that the database is whole, and says the same as the folders."""
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = dict(connection.execute("SELECT id, state FROM jobs").fetchall())
    for job_id, state in rows.items():
        told = re.search(r'"state": "(\w+)"', workspace.job(job_id).state.read_text("utf-8"))
        assert told is not None
        assert told[1] == state, job_id


def processes_below(folder: Path) -> list[str]:
    """Programs, supervisors and agents that still work in the folder, after the agent's last idle second."""
    deadline = time.monotonic() + 20
    while found := _processes_below(folder):
        if time.monotonic() > deadline:
            return found
        time.sleep(0.2)
    return []


def _processes_below(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                places = [command, str((entry / "cwd").readlink())]
                if any(str(folder) in place for place in places):
                    found.append(f"{entry.name} {command}")
    return found
