"""10,000 jobs: how soon the panel shows them, how it scrolls, what it holds."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import CDPSession
from support.browser_tab import Tab, selector
from support.lab_place import LabPlace

from benchmarks.list_jobs import fill_workspace
from benchmarks.panel.table import HEAD, told

JOBS = 10_000
ROUNDS = 5

_SCROLL = """
async () => {
    const tasks = [];
    const observer = new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)));
    observer.observe({ entryTypes: ['longtask'] });
    let box = document.querySelector('[data-mlm=job-row]');
    while (box && box.scrollHeight <= box.clientHeight + 1) box = box.parentElement;
    const frame = () => new Promise(done => requestAnimationFrame(done));
    for (let step = 0; step < 300; step++) {
        box.scrollTop += step % 30 === 29 ? 20000 : 400;
        await frame();
    }
    await new Promise(done => setTimeout(done, 500));
    observer.disconnect();
    return tasks;
}
"""


def measure(place: LabPlace) -> None:
    """Print how long it takes until rows are shown, long tasks while scrolling, and the memory of the tab."""
    fill_workspace(place.server.workspace, JOBS)
    opened, tasks, grown = [], [], []
    for _ in range(ROUNDS):
        with place.tab() as tab:
            session = tab.page.context.new_cdp_session(tab.page)
            before = _heap(session)
            began = time.perf_counter()
            tab.command("mlmagic:open-panel")
            tab.page.wait_for_selector(selector("job-row"))
            opened.append((time.perf_counter() - began) * 1000)
            tasks += _scrolled(tab)
            grown.append((_heap(session) - before) / 2**20)
    print(f"\n{JOBS:,} jobs\n{HEAD}")
    print(told("the panel shows rows after", opened, "ms", "under 1,000"))
    print(told("tasks longer than 50 ms while scrolling", tasks or [0.0], "ms", "none over 100"))
    print(told("memory that it adds to the tab", grown, "MiB", "under 60"))


def _scrolled(tab: Tab) -> list[float]:
    found: list[float] = tab.page.evaluate(_SCROLL)
    return found


def _heap(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "JSHeapUsedSize")
