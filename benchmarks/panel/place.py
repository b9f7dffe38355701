"""A JupyterLab server with a workspace of its own, and tabs that look at it."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from support.browser_jobs import TellingWorkspace
from support.browser_server import JupyterServer, serving
from support.browser_tab import BROWSER, SWITCHES, Tab


class Place:
    """One server, one browser, and the jobs that they show."""

    def __init__(self, server: JupyterServer, browser: Browser, jobs: TellingWorkspace) -> None:
        self.server = server
        self.jobs = jobs
        self._browser = browser

    def tab(self, path: str = "lab") -> Tab:
        """Open another tab, with nothing kept from those before."""
        context = self._browser.new_context(viewport={"width": 1400, "height": 900})
        return Tab(context.new_page(), self.server).open(path)


@contextmanager
def place() -> Iterator[Place]:
    """Lend a server with an empty workspace, and a browser."""
    with tempfile.TemporaryDirectory(prefix="mlm-") as folder, sync_playwright() as playwright:
        root, scratch = Path(folder) / "root", Path(folder) / "scratch"
        with serving(root, scratch) as server:
            jobs = TellingWorkspace(server.workspace, scratch)
            browser = playwright.chromium.launch(executable_path=BROWSER, args=list(SWITCHES))
            try:
                yield Place(server, browser, jobs)
            finally:
                jobs.end()
                browser.close()


def told(name: str, values: Sequence[float], unit: str, goal: str) -> str:
    """Return a line of a table: median, 95th percentile and range."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    numbers = f"{statistics.median(ordered):8.0f}  {p95:8.0f}  {ordered[0]:8.0f}  {ordered[-1]:8.0f}"
    return f"  {name:44}  {len(ordered):4}  {numbers}  {unit:4}  goal: {goal}"


HEAD = f"  {'':44}  {'n':>4}  {'median':>8}  {'p95':>8}  {'min':>8}  {'max':>8}"
