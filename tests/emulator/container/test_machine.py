"""The machine of a container: how it ends what does not want to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from support.emulated_jobs import wait_for

MACHINE = """
import os, sys
from pathlib import Path
from mlmagic.emulator.container.machine import Machine, Preempted
machine = Machine(Path("entries"), grace=0.3)
try:
    print("status", machine.run(["bash", "-c", sys.argv[1]], os.environ, Path.cwd()), flush=True)
except Preempted:
    print("preempted", flush=True)
"""
DEAF = "trap '' TERM; touch up; while true; do sleep 0.1; done"


def start(folder: Path, command: str) -> subprocess.Popen[str]:
    """Start a machine that runs a command, and wait until that is up."""
    process = subprocess.Popen(
        [sys.executable, "-c", MACHINE, command], cwd=folder, stdout=subprocess.PIPE, text=True, process_group=0
    )
    wait_for((folder / "up").exists, bool)
    return process


def test_a_preempted_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path, DEAF)
    process.send_signal(signal.SIGUSR1)
    assert process.communicate(timeout=120)[0] == "preempted\n"


def test_a_cancelled_program_is_told_and_tells_its_status(tmp_path: Path) -> None:
    process = start(tmp_path, "trap 'echo bye; exit 3' TERM; touch up; while true; do sleep 0.1; done")
    process.send_signal(signal.SIGTERM)
    # bash also tells of its own child, which had the signal as well.
    assert process.communicate(timeout=120)[0].endswith("bye\nstatus 3\n")


def test_what_a_program_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    process = start(tmp_path, "(while sleep 0.1; do echo again >> left; done) & sleep 0.5; touch up")
    assert process.communicate(timeout=120)[0] == "status 0\n"
    size = (tmp_path / "left").stat().st_size
    subprocess.run(["sleep", "0.5"], check=True)
    assert (tmp_path / "left").stat().st_size == size
