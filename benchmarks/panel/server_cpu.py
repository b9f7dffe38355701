"""What the Jupyter server takes while 20 jobs run and two tabs look, and while none of them is visible."""

from __future__ import annotations

import time

import psutil
from support.kept_endpoints import until

import mlmagic
from benchmarks.panel.place import Place
from mlmagic.api.job import Job
from mlmagic.spec.job import JobState

JOBS = 20
SECONDS = 30.0
_PROGRAM = """
import time
for number in range(10**6):
    print(f"step {number}: loss 0.1", flush=True)
    time.sleep(1)
"""


def measure(place: Place) -> None:
    """Print percent of a core: with visible tabs, with hidden ones, and with none at all."""
    jobs = [_begin(place, number) for number in range(JOBS)]
    until(lambda: all(job.state is JobState.RUNNING for job in jobs))
    process = psutil.Process(place.server.pid)
    lines = [("no tab", _percent(process))]
    tabs = [place.tab() for _ in range(2)]
    for tab in tabs:
        tab.command("mlmagic:open-panel")
        tab.hide()
    lines.append(("two tabs, hidden", _percent(process)))
    for tab in tabs:
        tab.hide(is_hidden=False)
    lines.append(("two tabs, visible", _percent(process)))
    print(f"\nThe Jupyter server while {len(jobs)} jobs run, over {SECONDS:.0f} s")
    print("  goal: 2 % more than without a tab, 0 more with hidden ones")
    for name, percent in lines:
        print(f"  {name:20}  {percent:5.2f} % of a core")


def _begin(place: Place, number: int) -> Job:
    # So little of the machine for each that all of them run at once.
    return mlmagic.train(
        f"running{number}", source=_PROGRAM, cores=0.05, memory="64M", session=place.jobs.session, timeout="1h"
    )


def _percent(process: psutil.Process) -> float:
    # What a tab asks for when it is opened is not what it takes to look.
    time.sleep(5)
    before, began = process.cpu_times(), time.perf_counter()
    time.sleep(SECONDS)
    after, passed = process.cpu_times(), time.perf_counter() - began
    return 100 * (after.user + after.system - before.user - before.system) / passed
