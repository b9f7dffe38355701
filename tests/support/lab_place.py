"""A JupyterLab with an empty workspace, and the browser that looks at it: what trips, benchmarks and pictures use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright
from support.browser_jobs import TellingWorkspace
from support.browser_server import JupyterServer, serving
from support.browser_tab import PATIENCE_MS, Tab

# Debian's; Playwright's own cannot be had everywhere.
_BROWSER = "/usr/bin/chromium"
_SWITCHES = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


class LabPlace:
    """One server, one browser, and the jobs that they show."""

    def __init__(self, server: JupyterServer, browser: Browser, jobs: TellingWorkspace) -> None:
        self.server = server
        self.jobs = jobs
        self._browser = browser

    @contextmanager
    def blank_tab(self, *, is_dark: bool = False, width: int = 1400, height: int = 900) -> Iterator[Tab]:
        """Lend a tab of a new profile, in which nothing is opened yet."""
        # Jupyter goes by what the browser prefers.
        scheme = "dark" if is_dark else "light"
        context = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        try:
            yield Tab(context.new_page(), self.server)
        finally:
            context.close()

    @contextmanager
    def tab(self, **look: Any) -> Iterator[Tab]:
        """Lend a tab with JupyterLab, in a layout of its own: one that was used before would be restored."""
        with self.blank_tab(**look) as tab:
            yield tab.open()


@contextmanager
def lab_place(name: str = "work", browser: Browser | None = None) -> Iterator[LabPlace]:
    """Lend a server in an empty folder of that name, and a browser: there can be but one of them at a time."""
    lent = chromium() if browser is None else nullcontext(browser)
    with tempfile.TemporaryDirectory(prefix="mlm-") as folder:
        root, scratch = Path(folder) / name, Path(folder) / "scratch"
        with serving(root, scratch) as server, telling(server, scratch) as jobs, lent as shown:
            yield LabPlace(server, shown, jobs)


@contextmanager
def telling(server: JupyterServer, scratch: Path) -> Iterator[TellingWorkspace]:
    """Lend a server's workspace, with jobs that do what they are told; what runs there is ended."""
    workspace = TellingWorkspace(server.workspace, scratch)
    try:
        yield workspace
    finally:
        workspace.end()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Lend a browser, whose tests wait as long as a busy machine needs."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_BROWSER, args=list(_SWITCHES))
        try:
            yield browser
        finally:
            browser.close()
