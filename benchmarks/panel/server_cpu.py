"""What the Jupyter server takes to tell two tabs of 20 jobs that train, and when none of its tabs is visible."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
from playwright.sync_api import expect
from support.browser_panel import open_panel
from support.browser_tab import Tab
from support.event_files import event, record
from support.kept_endpoints import until
from support.lab_place import LabPlace

import mlmagic
from mlmagic.api.job import Job
from mlmagic.spec.job import JobState

JOBS = 20
SECONDS = 30.0
EPOCHS = 3_000
_SETTLED_SECONDS = 5.0
# What a program with Keras gives the panel to tell, once a second: where it is, and two scalars.
_PROGRAM = """
import base64, os, time
from pathlib import Path

folder = Path(os.environ["AIP_TENSORBOARD_LOG_DIR"]) / "train"
folder.mkdir(parents=True)
with open({records!r}) as records, (folder / "events.out.tfevents.1.host").open("ab", buffering=0) as events:
    for epoch, line in enumerate(records, start=1):
        print(f"Epoch {{epoch}}/{epochs}", flush=True)
        events.write(base64.b64decode(line))
        time.sleep(1)
"""


def measure(place: LabPlace) -> None:
    """Print percent of a core: without tabs, with those of JupyterLab alone, with ours, with ours hidden."""
    jobs = _begin(place)
    server = psutil.Process(place.server.pid)
    percent = {"no tab": _percent(server)}
    with _tabs(place, has_extension=False):
        percent["two tabs of JupyterLab alone"] = _percent(server)
    with _tabs(place) as tabs:
        percent["two tabs with the panel, visible"] = _percent(server)
        for tab in tabs:
            expect(tab.part("job-row").first).to_be_visible()
            tab.hide()
        percent["two tabs with the panel, hidden"] = _percent(server)
    running = sum(job.state is JobState.RUNNING for job in jobs)
    print(f"\nThe Jupyter server while {running} jobs train, over {SECONDS:.0f} s each; two browsers, a tab in each")
    for name, value in percent.items():
        print(f"  {name:44}  {value:6.2f} % of a core")
    none, alone, visible, hidden = percent.values()
    print(f"  {'to tell two tabs of 20 jobs':44}  {visible - alone:6.2f}    goal: under 2")
    print(f"  {'with all tabs hidden':44}  {hidden - none:6.2f}    goal: 0")


def _begin(place: LabPlace) -> list[Job]:
    """Start the jobs, and return when all of them train."""
    records = place.server.root / "records"
    lines = [
        base64.b64encode(record(event(step, loss=1 / (1 + step), accuracy=step / EPOCHS))) for step in range(EPOCHS)
    ]
    records.write_bytes(b"\n".join(lines))
    source = _PROGRAM.format(records=str(records), epochs=EPOCHS)
    # So little of the machine for each that all of them run at once.
    jobs = [
        mlmagic.train(f"running{number}", source=source, cores=0.05, memory="64M", session=place.jobs.session)
        for number in range(JOBS)
    ]
    until(lambda: all("Epoch 1/" in str(job.logs()) for job in jobs))
    return jobs


@contextmanager
def _tabs(place: LabPlace, *, has_extension: bool = True) -> Iterator[list[Tab]]:
    """Lend two tabs, each in a browser of its own: tabs of one browser may share what they are told."""
    with ExitStack() as stack:
        tabs = [stack.enter_context(place.blank_tab()) for _ in range(2)]
        for tab in tabs:
            if not has_extension:
                tab.page.route("**/lab/extensions/mlmagic/**", lambda route: route.abort())
            tab.open()
            if has_extension:
                open_panel(tab)
        yield tabs


def _percent(server: psutil.Process) -> float:
    # What a tab asks for when it is opened or hidden is not what it takes to look.
    time.sleep(_SETTLED_SECONDS)
    before, began = server.cpu_times(), time.perf_counter()
    time.sleep(SECONDS)
    after, passed = server.cpu_times(), time.perf_counter() - began
    return 100 * (after.user + after.system - before.user - before.system) / passed
