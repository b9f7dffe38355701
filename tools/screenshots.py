"""Makes the pictures of docs/images: `python -m tools.screenshots`. All on them is real: server, kernel, jobs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The server, the tabs and the jobs are those of the browser tests.
sys.path.insert(0, str(ROOT / "tests"))

from PIL import Image  # noqa: E402
from playwright.sync_api import Locator, expect  # noqa: E402
from support.browser_notebook import LOAD, Notebook, open_notebook, open_written  # noqa: E402
from support.browser_panel import open_panel  # noqa: E402
from support.browser_tab import Tab, selector  # noqa: E402
from support.lab_place import LabPlace, lab_place  # noqa: E402

from tools.screenshots_cloud import fill_cloud  # noqa: E402
from tools.screenshots_workspace import Filled, ask, fill, serve_with_shadow  # noqa: E402

IMAGES = ROOT / "docs" / "images"
_TUTORIAL = ROOT / "notebooks" / "06-watch-what-comes-in.ipynb"
_IMPORTANCE = "%models evaluate delay@1 --data flights --split test --importance"
_WINDOW = (1280, 800)
_LOW = (1280, 480)
_CLOUD = (1280, 510)
# Where the panel ends then; the bar of icons beside it has 33 pixels.
_NARROW = 253
_RUNS = """%%train flights --cores 0.2
def train(epochs: int = 12):
    import time

    for epoch in range(epochs):
        print(f"Epoch {epoch + 1}/{epochs}", flush=True)
        time.sleep(3)
    return {"mae": 11.9}"""
_FAILS = """%%train typical-delay --wait
import pandas as pd


def train(quantile: float = 0.5):
    flights = pd.DataFrame({"dep_delay": [2.0, 12.0], "arr_delay": [4.0, 9.0]})
    return {"delay": float(flights["arrival_delay"].quantile(quantile))}"""


def main() -> None:
    """Take all pictures, or those of the parts that are named."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    parts = {"local": _local, "cloud": _cloud, "watched": _watched, "shadow": _shadow}
    for name in sys.argv[1:] or parts:
        parts[name]()


def _cloud() -> None:
    with lab_place("rides") as place:
        try:
            pipeline = fill_cloud(place.jobs)
            for is_dark in (False, True):
                _cloud_panel(place, pipeline, is_dark=is_dark)
                _cloud_pages(place, pipeline, is_dark=is_dark)
        finally:
            place.jobs.end()
            place.jobs.session.stop_emulator()


def _watched() -> None:
    """Run the tutorial on what comes in, as far as it is shown, in light; then open what it has saved, in dark."""
    document = json.loads(_TUTORIAL.read_text("utf-8"))
    sources = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
    last = next(number for number, source in enumerate(sources) if "--explain" in source)
    cells = [*sources[: last + 1], _IMPORTANCE]
    shown = {
        "monitor": next(number for number, source in enumerate(cells) if source.startswith("%monitor delay --rows")),
        "explain": last,
        "importance": last + 1,
    }
    with lab_place("watched") as place:
        for is_dark in (False, True):
            with place.blank_tab(is_dark=is_dark, width=1280, height=1600) as tab:
                if is_dark:
                    notebook = open_written(tab, _TUTORIAL.name)
                else:
                    notebook = open_notebook(tab, _TUTORIAL.name, *cells)
                    for number in range(len(cells)):
                        notebook.run(number)
                    notebook.save()
                # Alerts are told above what is shown, for a while.
                expect(tab.page.locator(".Toastify__toast")).to_have_count(0)
                for name, number in shown.items():
                    notebook.show(number)
                    notebook.cell(number).locator(".jp-OutputArea-output").first.wait_for()
                    keep(notebook.cell(number), name, is_dark=is_dark)
                notebook.end_kernel()
                _monitoring(tab, is_dark=is_dark)


def _shadow() -> None:
    with lab_place("shadow") as place:
        serve_with_shadow(place.jobs)
        for is_dark in (False, True):
            with _lab(place, is_dark=is_dark) as tab:
                tab.part("tab-endpoints").click()
                tab.command("mlmagic:show-noun", noun="endpoint", key="delays")
                tab.command("application:close-other-tabs")
                page = tab.part("endpoint-page")
                # The shadow may take a while to be through with its copies.
                expect(page).to_contain_text("200 requests compared", timeout=60_000)
                keep(tab, "shadow", is_dark=is_dark)


def _monitoring(tab: Tab, *, is_dark: bool) -> None:
    """What was found of an endpoint, on its page; what was opened before is closed."""
    tab.command("mlmagic:show-noun", noun="endpoint", key="delay")
    tab.command("application:close-other-tabs")
    part = tab.part("monitoring", tab.part("endpoint-page"))
    part.locator(".mlm-page-html table").first.wait_for()
    # The notebook stood on this page's place; sizes settle once more.
    tab.page.wait_for_timeout(2_000)
    keep(part, "endpoint-monitoring", is_dark=is_dark)


def _local() -> None:
    with lab_place("flights") as place:
        _empty(place)
        _failed(place)
        filled = fill(place.jobs)
        for is_dark in (False, True):
            _panel(place, filled, is_dark=is_dark)
            _tabs(place, is_dark=is_dark)
            _job_pages(place, filled, is_dark=is_dark)
            _noun_pages(place, is_dark=is_dark)
        _narrow(place)
        _filter_error(place)
        _board(place, filled)
        _running(place)


def keep(shown: Tab | Locator, name: str, *, is_dark: bool = False) -> None:
    """Write what a tab, or a part of one, shows to docs/images; in 256 colours, which is a third of the size."""
    page = shown.page
    # A pointer over a row changes it.
    page.mouse.move(0, 0)
    # What was just asked for is drawn two frames later; what moves has come to rest then, too.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture = page.screenshot() if isinstance(shown, Tab) else shown.screenshot()
    path = IMAGES / f"{name}{'-dark' if is_dark else ''}.png"
    few = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"  {path.relative_to(ROOT)}")


@contextmanager
def _lab(place: LabPlace, *, is_dark: bool = False, size: tuple[int, int] = _WINDOW) -> Iterator[Tab]:
    """Lend a tab with the panel in it, and nothing else."""
    with place.tab(is_dark=is_dark, width=size[0], height=size[1]) as tab:
        tab.page.locator(f"body[data-jp-theme-light={'false' if is_dark else 'true'}]").wait_for(state="attached")
        # It comes by itself, a while after all else.
        tab.page.locator(".jp-Launcher-cwd").wait_for(state="attached")
        open_panel(tab)
        yield tab


def _empty(place: LabPlace) -> None:
    with _lab(place, size=_LOW) as tab:
        for noun, name in {"jobs": "panel", "models": "models", "endpoints": "endpoints", "data": "data"}.items():
            tab.part(f"tab-{noun}").click()
            tab.part("empty").first.wait_for()
            keep(tab.part("panel"), f"{name}-empty")


def _panel(place: LabPlace, filled: Filled, *, is_dark: bool) -> None:
    with _lab(place, is_dark=is_dark) as tab:
        expect(tab.part("job-row")).to_have_count(6)
        tab.until_state(tab.row(filled.running), "RUNNING")
        keep(tab, "panel", is_dark=is_dark)
        tab.part("fold", tab.row(filled.study)).click()
        tab.row(f"{filled.study}-1").wait_for()
        keep(tab.part("panel"), "panel-study", is_dark=is_dark)


def _tabs(place: LabPlace, *, is_dark: bool) -> None:
    with _lab(place, is_dark=is_dark, size=_LOW) as tab:
        for noun, row in {"models": "model-row", "endpoints": "endpoint-row", "data": "dataset-row"}.items():
            tab.part(f"tab-{noun}").click()
            tab.part(row).first.wait_for()
            keep(tab.part("panel"), noun, is_dark=is_dark)


def _cloud_panel(place: LabPlace, pipeline: str, *, is_dark: bool) -> None:
    with _lab(place, is_dark=is_dark, size=_CLOUD) as tab:
        tab.row(pipeline).wait_for()
        running = place.jobs.job("fares-all-year")
        tab.until_state(tab.row(running.id), "RUNNING")
        # A log in the cloud is fetched when somebody asks for it; how far the job is stands in it.
        running.logs()
        # The feed tells of it a moment later.
        tab.page.wait_for_timeout(3_000)
        keep(tab.part("panel"), "cloud-panel", is_dark=is_dark)
        tab.part("tab-endpoints").click()
        tab.part("endpoint-row").first.wait_for()
        keep(tab.part("panel"), "cloud-endpoints", is_dark=is_dark)


def _cloud_pages(place: LabPlace, pipeline: str, *, is_dark: bool) -> None:
    with _lab(place, is_dark=is_dark) as tab:
        tab.command("mlmagic:open-job", ids=[pipeline])
        tab.command("application:close-other-tabs")
        shown = tab.part("page-part-overview", tab.part("job-page", job_id=pipeline))
        shown.locator(".mlm-page-html *").first.wait_for()
        expect(shown).not_to_contain_text("Loading")
        keep(tab, "cloud-dataflow", is_dark=is_dark)
        tab.part("tab-endpoints").click()
        tab.command("mlmagic:show-noun", noun="endpoint", key="fares")
        tab.command("application:close-other-tabs")
        tab.part("endpoint-page").wait_for()
        tab.part("traffic").wait_for()
        keep(tab, "cloud-endpoint", is_dark=is_dark)


def _narrow(place: LabPlace) -> None:
    with _lab(place, size=(900, 700)) as tab:
        tab.page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)").first.hover()
        tab.page.mouse.down()
        tab.page.mouse.move(_NARROW, 300, steps=4)
        tab.page.mouse.up()
        keep(tab, "panel-narrow")


def _filter_error(place: LabPlace) -> None:
    with _lab(place) as tab:
        tab.part("filter").fill("state=FALED OR")
        tab.part("filter").press("Enter")
        tab.part("filter-error").wait_for()
        keep(tab, "panel-filter-error")


def _job_pages(place: LabPlace, filled: Filled, *, is_dark: bool) -> None:
    with _lab(place, is_dark=is_dark) as tab:
        for name, job, part, sign in (
            ("job-overview", filled.failed, "overview", ".mlm-page-html *"),
            ("job-live", filled.running, "overview", ".mlm-page-html *"),
            ("job-checkpoints", filled.worked, "overview", selector("checkpoints")),
            ("job-logs", filled.worked, "logs", selector("log-line")),
            ("job-curves", filled.wide, "curves", selector("curve")),
            ("job-usage", filled.worked, "usage", selector("usage")),
            ("job-code", filled.worked, "code", selector("source")),
            ("study", filled.study, "overview", ".mlm-page-html *"),
            ("trials", filled.study, "trials", selector("trial")),
        ):
            tab.command("mlmagic:open-job", ids=[job])
            tab.command("application:close-other-tabs")
            page = tab.part("job-page", job_id=job)
            tab.part(f"page-tab-{part}", page).click()
            shown = tab.part(f"page-part-{part}", page)
            shown.locator(sign).first.wait_for()
            expect(shown).not_to_contain_text("Loading")
            keep(tab, name, is_dark=is_dark)
        tab.command("mlmagic:compare-jobs", ids=[filled.narrow, filled.wide])
        tab.command("application:close-other-tabs")
        tab.part("curve", tab.part("compare-page")).first.wait_for()
        keep(tab, "compare", is_dark=is_dark)


def _board(place: LabPlace, filled: Filled) -> None:
    with _lab(place) as tab:
        tab.command("mlmagic:open-board", ids=[filled.narrow, filled.wide])
        tab.command("application:close-other-tabs")
        tab.page.frame_locator("iframe").locator("scalar-card line-chart").first.wait_for()
        keep(tab, "tensorboard")


def _noun_pages(place: LabPlace, *, is_dark: bool) -> None:
    pages: dict[str, tuple[str, str, Callable[[Tab], None]]] = {
        "model": ("models", "delays@2", _predict),
        "endpoint": ("endpoints", "delays", partial(_load, place)),
        "dataset": ("data", "rides@2", lambda tab: tab.part("version-choice").wait_for()),
    }
    for noun, (tab_name, key, act) in pages.items():
        with _lab(place, is_dark=is_dark, size=(1280, 1000)) as tab:
            tab.part(f"tab-{tab_name}").click()
            tab.command("mlmagic:show-noun", noun=noun, key=key)
            tab.command("application:close-other-tabs")
            tab.part(f"{noun}-page").wait_for()
            act(tab)
            keep(tab, noun, is_dark=is_dark)


def _predict(tab: Tab) -> None:
    page = tab.part("model-page")
    page.locator("[data-input=x]").fill("12.5")
    tab.part("action-predict", page).click()
    tab.part("answer", page).wait_for()


def _load(place: LabPlace, tab: Tab) -> None:
    tab.part("traffic").wait_for()
    ask(place.jobs)
    # The page looks at it again every few seconds.
    tab.page.wait_for_timeout(6_000)


def _failed(place: LabPlace) -> None:
    with place.blank_tab(width=1280, height=1000) as tab:
        notebook = open_notebook(tab, "delays.ipynb", LOAD, _FAILS)
        notebook.run(0)
        notebook.run(1)
        tab.until_state(notebook.output(1), "FAILED")
        keep(notebook.cell(1), "job-failed")
        notebook.end_kernel()


def _running(place: LabPlace) -> None:
    with place.blank_tab(width=1280, height=1000) as tab:
        notebook = _run(tab, "flights.ipynb", None)
        tab.command("mlmagic:open-panel")
        keep(tab, "output")
        keep(notebook.cell(1), "job-running")
        notebook.end_kernel()
    with place.blank_tab(width=1280, height=1000) as tab:
        notebook = _run(tab, "classic.ipynb", "notebooks")
        keep(tab, "notebook7")
        notebook.end_kernel()


def _run(tab: Tab, name: str, application: str | None) -> Notebook:
    notebook = open_notebook(tab, name, LOAD, _RUNS, application=application)
    notebook.run(0)
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("Epoch 3/12")
    return notebook


if __name__ == "__main__":
    main()
