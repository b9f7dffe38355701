"""Makes the pictures of docs/images: `python -m tools.screenshots`. All on them is real: server, kernel, jobs."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The server, the tabs and the jobs are those of the browser tests.
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import Browser, expect, sync_playwright  # noqa: E402
from support.browser_jobs import TellingWorkspace  # noqa: E402
from support.browser_notebook import LOAD, Notebook, open_notebook  # noqa: E402
from support.browser_server import JupyterServer, serving  # noqa: E402
from support.browser_tab import BROWSER, SWITCHES, Tab  # noqa: E402
from support.kept_endpoints import SIGNATURE, save  # noqa: E402

from mlmagic.api.deployment import deploy  # noqa: E402
from mlmagic.spec.model import ModelOrigin  # noqa: E402

IMAGES = ROOT / "docs" / "images"
EPOCHS = 12
_PARTS = {"overview": "failed", "logs": "work", "curves": "64", "usage": "work", "code": "work"}
_CELL = """%%train flights --cores 0.2
def train(epochs: int = 12):
    import time

    for epoch in range(epochs):
        print(f"Epoch {epoch + 1}/{epochs}", flush=True)
        time.sleep(3)
    return {"mae": 11.9}
"""
_WORK = """
import math, time

rows = [0.0] * 4_000_000
for epoch in range(1, 9):
    end = time.monotonic() + 0.9
    while time.monotonic() < end:
        math.sqrt(epoch)
    rows += [0.0] * 2_000_000
    print(f"Epoch {epoch}/8", flush=True)
    print(f"253/253 - 1s - 4ms/step - loss: {20 / (1 + epoch):.4f}", flush=True)
    if epoch == 3:
        print("W0000 00:00:1795.68   18 port.cc:153] this program could use more of the machine", flush=True)
"""
_MISTAKE = """
delays = {"dep_delay": 12.0}
print(delays["arrival_delay"])
"""


class Studio:
    """A server, a browser, and a way to keep what they show."""

    def __init__(self, server: JupyterServer, browser: Browser, jobs: TellingWorkspace) -> None:
        self.server = server
        self.jobs = jobs
        self._browser = browser

    @contextmanager
    def tab(self, *, is_dark: bool = False, width: int = 1280, height: int = 800) -> Iterator[Tab]:
        """Lend a tab with nothing kept from those before."""
        # Jupyter goes by what the browser prefers.
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if is_dark else "light"
        )
        tab = Tab(context.new_page(), self.server).open("lab")
        tab.page.locator(f"body[data-jp-theme-light={'false' if is_dark else 'true'}]").wait_for(state="attached")
        tab.command("application:close-all")
        yield tab
        context.close()

    def keep(self, tab: Tab, name: str) -> None:
        """Write what the tab shows to docs/images."""
        # Two frames: what was just asked for is drawn then.
        tab.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        tab.page.screenshot(path=IMAGES / f"{name}.png")
        print(f"  docs/images/{name}.png")


@contextmanager
def studio() -> Iterator[Studio]:
    """Lend one with an empty workspace."""
    with tempfile.TemporaryDirectory(prefix="mlm-") as folder, sync_playwright() as playwright:
        root, scratch = Path(folder) / "flights", Path(folder) / "scratch"
        with serving(root, scratch) as server:
            jobs = TellingWorkspace(server.workspace, scratch)
            browser = playwright.chromium.launch(executable_path=BROWSER, args=list(SWITCHES))
            try:
                yield Studio(server, browser, jobs)
            finally:
                for endpoint in jobs.session.endpoints.list():
                    jobs.session.endpoints.delete(endpoint.spec.name)
                jobs.end()
                browser.close()


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with studio() as place:
        _empty(place)
        ids = _fill(place)
        _panel(place)
        _job_pages(place, ids)
        _noun_pages(place)
        _notebooks(place)


def _empty(place: Studio) -> None:
    with place.tab() as tab:
        tab.command("mlmagic:open-panel")
        tab.part("empty").first.wait_for()
        place.keep(tab, "panel-empty")


def _fill(place: Studio) -> dict[str, str]:
    """Run jobs of all kinds, and return the ids of those that have pages to show."""
    learned = {}
    for units, last in ((16, 11.9), (64, 11.2)):
        job = place.jobs.start("flights", labels={"units": str(units)}, cores=0.2)
        for epoch in range(EPOCHS):
            loss = last + 9 * math.exp(-epoch / (2 + units / 32))
            job.measure(epoch, epoch_loss=loss, epoch_mae=loss * 0.8)
            job.say(f"Epoch {epoch + 1}/{EPOCHS}\n253/253 - 4s - 16ms/step - loss: {loss:.4f}")
        learned[str(units)] = job.id
        job.succeed()
    worked = place.jobs.run("weather", _WORK)
    place.jobs.run("typical-delay", _MISTAKE)
    running = place.jobs.start("census", cores=0.2)
    for epoch in range(5):
        running.measure(epoch, epoch_loss=1 / (1 + epoch))
        running.say(f"Epoch {epoch + 1}/{EPOCHS}")
    failed = place.jobs.newest("typical-delay")
    _register(place)
    return learned | {"failed": failed, "work": worked.id}


def _register(place: Studio) -> None:
    session = place.jobs.session
    with tempfile.TemporaryDirectory() as folder:
        for number, loss in ((1, 11.93), (2, 11.21)):
            path = Path(folder) / str(number)
            path.mkdir()
            save(path / "model.onnx", number)
            origin = ModelOrigin(
                artifact="onnx", artifact_path="model.onnx", framework="onnx", metrics={"val_loss": loss}
            )
            session.models.register("delays", path, origin=origin, signature=SIGNATURE, now=datetime.now(UTC))
    deploy("delays@1", endpoint="delays", session=session)
    deploy("delays@2", endpoint="delays", traffic=20, session=session)


def _panel(place: Studio) -> None:
    for is_dark in (False, True):
        with place.tab(is_dark=is_dark) as tab:
            tab.command("mlmagic:open-panel")
            expect(tab.part("job-row")).to_have_count(5)
            place.keep(tab, "panel-dark" if is_dark else "panel")
    with place.tab() as tab:
        tab.command("mlmagic:open-panel")
        tab.part("filter").fill("state=FALED OR")
        tab.part("filter").press("Enter")
        tab.part("filter-error").wait_for()
        place.keep(tab, "panel-filter-error")


def _job_pages(place: Studio, ids: dict[str, str]) -> None:
    for is_dark in (False, True):
        with place.tab(is_dark=is_dark) as tab:
            tab.command("mlmagic:open-panel")
            for part, job in (
                ("overview", "failed"),
                ("logs", "64"),
                ("curves", "64"),
                ("usage", "64"),
                ("code", "64"),
            ):
                tab.command("application:close-all")
                tab.command("mlmagic:open-job", ids=[ids[job]])
                tab.part(f"page-tab-{part}").click()
                tab.page.wait_for_load_state("networkidle")
                place.keep(tab, f"job-{part}{'-dark' if is_dark else ''}")
    with place.tab() as tab:
        tab.command("mlmagic:compare-jobs", ids=[ids["16"], ids["64"]])
        tab.part("curve").first.wait_for()
        place.keep(tab, "compare")
    with place.tab() as tab:
        tab.command("mlmagic:open-board", ids=[ids["16"], ids["64"]])
        frame = tab.page.frame_locator("iframe")
        frame.locator("scalar-card").first.wait_for()
        frame.locator("scalar-card line-chart").first.wait_for()
        place.keep(tab, "tensorboard")


def _noun_pages(place: Studio) -> None:
    with place.tab() as tab:
        tab.command("mlmagic:open-panel")
        tab.part("tab-models").click()
        tab.command("mlmagic:show-noun", noun="model", key="delays@2")
        page = tab.part("model-page")
        page.locator("[data-input=x]").fill("12.5")
        tab.part("action-predict", page).click()
        tab.part("answer", page).wait_for()
        place.keep(tab, "model")
    with place.tab() as tab:
        tab.command("mlmagic:open-panel")
        tab.part("tab-endpoints").click()
        tab.command("mlmagic:show-noun", noun="endpoint", key="delays")
        tab.part("traffic").wait_for()
        place.keep(tab, "endpoint")


def _notebooks(place: Studio) -> None:
    with place.tab(height=1000) as tab:
        notebook = _run(tab, "flights.ipynb", "lab/tree")
        tab.command("mlmagic:open-panel")
        place.keep(tab, "output")
        notebook.end_kernel()
    with place.tab(height=1000) as tab:
        notebook = _run(tab, "classic.ipynb", "notebooks")
        place.keep(tab, "notebook7")
        notebook.end_kernel()


def _run(tab: Tab, name: str, application: str) -> Notebook:
    notebook = open_notebook(tab, name, LOAD, _CELL, application=application)
    notebook.run(0)
    notebook.run(1)
    tab.until_state(notebook.output(1), "RUNNING")
    return notebook


if __name__ == "__main__":
    main()
