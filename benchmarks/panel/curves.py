"""Time to the first curve: a job's page against TensorBoard's own magic, on the same events."""

from __future__ import annotations

import time

from support.browser_notebook import open_notebook
from support.browser_tab import selector

from benchmarks.panel.place import HEAD, Place, told

ROUNDS = 3
STEPS = 2_000
_CURVE = "canvas, svg path"


def measure(place: Place) -> None:
    """Print milliseconds from the command to a curve that is drawn; rounds are interleaved."""
    job = place.jobs.start("curved")
    for step in range(0, STEPS, 10):
        job.measure(step, loss=1 / (1 + step), accuracy=step / STEPS)
    folder = place.server.workspace / "jobs" / job.id / "output" / "logs"
    ours, theirs = [], []
    for number in range(ROUNDS):
        ours.append(_page(place, job.id))
        theirs.append(_magic(place, number, str(folder)))
    job.succeed()
    print(f"\nTo the first curve of a job that runs, {STEPS // 10} steps of two scalars\n{HEAD}")
    print(told("the job's page, curves", ours, "ms", "5 times faster"))
    print(told("%load_ext tensorboard, %tensorboard", theirs, "ms", "the peer"))
    print(f"  ratio of medians {sorted(theirs)[ROUNDS // 2] / sorted(ours)[ROUNDS // 2]:.1f}")


def _page(place: Place, job: str) -> float:
    tab = place.tab()
    began = time.perf_counter()
    tab.command("mlmagic:open-job", ids=[job])
    tab.part("page-tab-curves").click()
    tab.page.wait_for_selector(f"{selector('curve')} canvas")
    taken = (time.perf_counter() - began) * 1000
    tab.page.context.close()
    return taken


def _magic(place: Place, number: int, folder: str) -> float:
    """Time TensorBoard's own magic; each round has a kernel and a board of its own."""
    tab = place.tab()
    cells = ["%load_ext tensorboard", f"%tensorboard --logdir {folder} --reload_interval 1 --path_prefix /r{number}"]
    notebook = open_notebook(tab, f"peer{number}.ipynb", *cells)
    notebook.run(0)
    began = time.perf_counter()
    notebook.run(1, is_awaited=False)
    frame = tab.page.frame_locator(".jp-OutputArea iframe")
    frame.locator("scalar-card line-chart, tb-line-chart").first.locator(_CURVE).first.wait_for(timeout=120_000)
    taken = (time.perf_counter() - began) * 1000
    tab.page.context.close()
    return taken
