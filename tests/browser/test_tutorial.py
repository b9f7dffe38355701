"""Tutorials in JupyterLab, with the panel beside them: a reader presses Shift+Enter, and sees what becomes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import nbformat
import pytest
from playwright.sync_api import Browser, expect
from support.browser_notebook import Notebook, open_written
from support.browser_panel import Panel, open_panel
from support.browser_server import REPOSITORY
from support.browser_tab import Tab
from support.browser_watch import RowWatch
from support.lab_place import LabPlace, lab_place
from support.tutorials import NOTEBOOKS, last_column

KEPT = REPOSITORY / "build" / "browser" / "tutorial"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Trip:
    """A tutorial that is open, with the panel beside it."""

    place: LabPlace
    tab: Tab
    notebook: Notebook
    panel: Panel
    watch: RowWatch
    cells: list[nbformat.NotebookNode]

    def index(self, cell_id: str) -> int:
        return next(index for index, cell in enumerate(self.cells) if cell.id == cell_id)

    def go_on(self, first: str, last: str) -> None:
        """Press through cells, and wait until they have run."""
        end = self.index(last) + 1
        self.notebook.press_through(self.index(first), end)
        self.notebook.until_run(end)

    def jobs(self, name: str) -> list[str]:
        """Return the ids of the jobs of a name, the oldest first."""
        return [job.id for job in self.place.jobs.session.backend().list() if job.display_name == name][::-1]


@contextmanager
def trip(name: str, browser: Browser) -> Iterator[Trip]:
    with lab_place("flights", browser) as place, place.blank_tab() as tab:
        shutil.copy(NOTEBOOKS / name, place.server.root)
        notebook, panel = open_written(tab, name), open_panel(tab)
        cells = nbformat.read(NOTEBOOKS / name, as_version=4).cells
        try:
            yield Trip(place, tab, notebook, panel, RowWatch(tab), cells)
        finally:
            tab.keep(KEPT, name)
        assert tab.complaints == []


@pytest.fixture(scope="module")
def first(browser) -> Iterator[Trip]:
    """Tutorial 1, all of which has run."""
    with trip("01-from-a-cell-to-a-prediction.ipynb", browser) as tutorial:
        tutorial.go_on("title", "end")
        yield tutorial


def test_only_the_cells_that_should_fail_do(first):
    failed = {cell for cell, shown in first.notebook.outputs().items() if shown and shown[-1]["output_type"] == "error"}
    assert failed == {"live", "fail"}


def test_the_panel_has_shown_jobs_come_run_and_end(first):
    for job in first.jobs("flights"):
        first.watch.until(job, "SUCCEEDED")
        assert first.watch.states(job)[-2:] == ["RUNNING", "SUCCEEDED"]
    (failed,) = first.jobs("typical-delay")
    assert first.watch.states(failed)[-1] == "FAILED"


def test_a_row_has_the_headline_of_its_job(first):
    for job in first.jobs("flights"):
        loss = first.place.jobs.job(job).record.metrics["loss"]
        expect(first.tab.part("headline", first.panel.row(job))).to_have_text(f"loss {loss:#.4g}")


def test_the_badge_of_a_cell_opens_the_page_of_its_last_job(first):
    index = first.index("retrain")
    first.notebook.show(index)
    badge = first.tab.part("cell-badge", first.notebook.cell(index))
    expect(badge).to_have_attribute("data-state", "SUCCEEDED")
    badge.click()
    expect(first.tab.part("job-page", job_id=first.jobs("flights")[-1])).to_be_visible()


def test_the_form_of_the_model_answers_as_the_notebook_did(first):
    first.panel.show("models")
    row = first.tab.part("model-row", key="flights")
    expect(row).to_contain_text("default flights@2")
    row.click()
    page = first.tab.part("model-page")
    # The notebook asked before it made the second version the default.
    first.tab.part("version", page, version=1).get_by_role("button", name="@1", exact=True).click()
    expect(page.get_by_role("heading", name="Ask flights@1")).to_be_visible()
    index = first.index("json")
    for name, value in json.loads(first.cells[index].source.partition("\n")[2])[0].items():
        page.locator(f"[data-input={name}]").fill(str(value))
    first.tab.part("action-predict", page).click()
    (output,) = first.notebook.outputs()["json"]
    told = last_column(output["data"]["text/plain"])[0]
    assert float(first.tab.part("answer", page).locator("td").inner_text()) == pytest.approx(told, rel=1e-3)


def test_endpoints_come_move_and_go_with_the_tutorial(browser):
    with trip("04-deploy-compare-roll-back.ipynb", browser) as tutorial:
        tutorial.panel.show("endpoints")
        expect(tutorial.tab.part("empty")).to_contain_text("No endpoints yet.")
        tutorial.go_on("title", "deploy")
        row = tutorial.tab.part("endpoint-row", key="late")
        tutorial.tab.until_state(row, "READY")
        expect(row).to_contain_text("late@1 100%")
        tutorial.go_on("ask-words", "split")
        expect(row).to_contain_text("late@2 20%")
        tutorial.go_on("count", "delete")
        expect(tutorial.tab.part("endpoint-row")).to_have_count(0)
