"""What the Jupyter server takes to tell two tabs of 20 jobs that train, and when none of its tabs is visible."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
from playwright.sync_api import Request, expect
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
    """Print percent of a core: with tabs of JupyterLab alone, and with ours, visible and hidden."""
    jobs = _begin(place)
    server = psutil.Process(place.server.pid)
    percent = {"no tab": _percent(server)}
    with _tabs(place, has_extension=False) as tabs:
        percent["two tabs of JupyterLab alone, visible"] = _percent(server)
        _hide(tabs)
        percent["two tabs of JupyterLab alone, hidden"] = _percent(server)
    with _tabs(place) as tabs:
        with _living(tabs):
            percent["two tabs with the panel, visible"] = _percent(server)
        asked = _hide(tabs)
        percent["two tabs with the panel, hidden"] = _percent(server)
    running = sum(job.state is JobState.RUNNING for job in jobs)
    print(f"\nThe Jupyter server while {running} jobs train, over {SECONDS:.0f} s each; two browsers, a tab in each")
    for name, value in percent.items():
        print(f"  {name:44}  {value:6.2f} % of a core")
    _, alone, alone_hidden, visible, hidden = percent.values()
    print(f"  {'to tell the two tabs of the jobs':44}  {visible - alone:6.2f}    goal: under 2")
    print(f"  {'with both hidden':44}  {hidden - alone_hidden:6.2f}    goal: 0; requests of the panel: {len(asked)}")


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


@contextmanager
def _living(tabs: list[Tab]) -> Iterator[None]:
    """See to it that what the lists tell of their first job goes on meanwhile."""
    headlines = [tab.part("headline").first for tab in tabs]
    before = [headline.inner_text() for headline in headlines]
    yield
    for headline, text in zip(headlines, before, strict=True):
        expect(headline).not_to_have_text(text)


def _hide(tabs: list[Tab]) -> list[str]:
    """Hide tabs, and note what they ask the panel's routes for from then on."""
    asked: list[str] = []

    def hear(request: Request) -> None:
        if "/mlmagic/api/" in request.url:
            asked.append(request.url)

    for tab in tabs:
        tab.hide()
        tab.page.on("request", hear)
    return asked


def _percent(server: psutil.Process) -> float:
    # What a tab asks for when it is opened or hidden is not what it takes to look.
    time.sleep(_SETTLED_SECONDS)
    before, began = server.cpu_times(), time.perf_counter()
    time.sleep(SECONDS)
    after, passed = server.cpu_times(), time.perf_counter() - began
    return 100 * (after.user + after.system - before.user - before.system) / passed
