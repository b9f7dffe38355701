"""Time to the first curve: a job's page against TensorBoard's own magic, of the same events of a job that runs."""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator
from support.browser_notebook import Notebook, open_notebook
from support.lab_place import LabPlace
from tensorboard import manager

from benchmarks.panel.frames import Frames
from benchmarks.panel.table import HEAD, told

ROUNDS = 3
STEPS = 2_000
# Not part of what is timed. The program is named, as the environment that is activated would do.
_LOAD = f"""
import os
os.environ["TENSORBOARD_BINARY"] = {str(Path(sys.executable).with_name("tensorboard"))!r}
%load_ext tensorboard
"""


def measure(place: LabPlace) -> None:
    """Print milliseconds from the user's act to the first frame with a curve in it; rounds are interleaved."""
    job = place.jobs.start("curved")
    for step in range(0, STEPS, 10):
        job.measure(step, loss=1 / (1 + step), accuracy=step / STEPS)
    folder = place.server.workspace / "jobs" / job.id / "output" / "logs"
    ours, theirs, again = [], [], []
    for number in range(ROUNDS):
        ours.append(_timed(place, _open_page(job.id), _LOAD))
        # Another title is another server to the magic; one that is up already is used again.
        line = f"%tensorboard --logdir {folder} --reload_interval 1 --window_title round-{number}"
        theirs.append(_timed(place, _run_magic, _LOAD, line))
        again.append(_timed(place, _run_magic, _LOAD, line))
        _end_servers(folder)
    job.succeed()
    print(f"\nTo the first curve of a job that runs, {STEPS // 10} steps of two scalars\n{HEAD}")
    print(told("the job's page, its curves", ours, "ms", "a fifth of the magic's"))
    print(told("%tensorboard of TensorBoard", theirs, "ms", "-"))
    print(told("the same again, its server still up", again, "ms", "-"))
    times = [statistics.median(peer) / statistics.median(ours) for peer in (theirs, again)]
    print(f"  the magic takes {times[0]:.1f} times as long, {times[1]:.1f} times with its server up")


def _timed(place: LabPlace, act: Callable[[Notebook], Locator], *cells: str) -> float:
    """Return milliseconds from an act in a notebook with its first cell run to a curve in the chart that it gives."""
    with place.blank_tab() as tab:
        notebook = open_notebook(tab, f"{uuid.uuid4().hex}.ipynb", *cells)
        notebook.run(0)
        frames = Frames(tab.page)
        began = time.time()
        return (frames.until_curve(act(notebook)) - began) * 1000


def _open_page(job: str) -> Callable[[Notebook], Locator]:
    def act(notebook: Notebook) -> Locator:
        tab = notebook.tab
        tab.command("mlmagic:open-job", ids=[job])
        tab.part("page-tab-curves").click()
        chart: Locator = tab.part("curve").first.locator("canvas")
        return chart

    return act


def _run_magic(notebook: Notebook) -> Locator:
    notebook.run(1, is_awaited=False)
    chart: Locator = notebook.cell(1).frame_locator("iframe").locator("scalar-card line-chart").first
    return chart


def _end_servers(folder: Path) -> None:
    """End what the magic leaves running."""
    for server in manager.get_all():
        if server.logdir == str(folder):
            os.kill(server.pid, signal.SIGTERM)
