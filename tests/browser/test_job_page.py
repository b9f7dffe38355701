"""The page of a job: log, curves, usage, code."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_panel import open_panel


@pytest.fixture
def page_of(tab):
    """Open the page of a job at one of its parts."""

    def open_at(job_id, part):
        if tab.page.url == "about:blank":
            tab.open()
        page = open_panel(tab).open_page(job_id)
        tab.part(f"page-tab-{part}", page).click()
        return page

    return open_at


def test_a_log_opens_at_its_end_and_follows(tab, workspace, name, page_of):
    job = workspace.start(name)
    job.say("\n".join(f"line {number}" for number in range(5_000)))
    page = page_of(job.id, "logs")
    expect(tab.part("log-line", page, line=5_001)).to_contain_text("line 4999")
    expect(tab.part("log-line", page, line=1)).to_have_count(0)
    job.say("and on")
    expect(tab.part("log-line", page, line=5_002)).to_be_visible()
    job.succeed()
    tab.until_state(page, "SUCCEEDED")


def test_a_log_stays_where_its_reader_went(tab, workspace, name, page_of):
    job = workspace.start(name)
    job.say("\n".join(f"line {number}" for number in range(5_000)))
    page = page_of(job.id, "logs")
    expect(tab.part("log-line", page, line=5_001)).to_be_visible()
    tab.part("log-line", page, line=5_001).hover()
    tab.page.mouse.wheel(0, -100_000_000)
    expect(tab.part("log-line", page, line=1)).to_be_visible()
    job.say("and on")
    job.succeed()
    tab.until_state(page, "SUCCEEDED")
    expect(tab.part("log-line", page, line=1)).to_be_visible()


def test_a_text_is_found_in_a_log(tab, workspace, name, page_of):
    source = "for number in range(5_000):\n    print('needle' if number == 1234 else f'line {number}')\n"
    page = page_of(workspace.run(name, source).id, "logs")
    tab.part("log-search", page).fill("needle")
    expect(tab.part("log-line", page, line=1_235)).to_be_visible()


def test_curves_are_drawn_and_grow(tab, workspace, name, page_of):
    job = workspace.start(name)
    for step in range(5):
        job.measure(step, epoch_loss=1.0 / (step + 1))
    page = page_of(job.id, "curves")
    curve = tab.part("curve", page).first
    expect(curve.locator("canvas").first).to_be_visible()
    assert is_drawn(curve)
    job.succeed()
    tab.until_state(page, "SUCCEEDED")


def test_the_code_of_the_package_is_shown(tab, workspace, name, page_of):
    page = page_of(workspace.run(name, "GREETING = 'bonjour'\nprint(GREETING)\n").id, "code")
    expect(tab.part("source", page)).to_contain_text("GREETING = 'bonjour'")


def test_what_a_job_needed_is_shown(tab, workspace, name, page_of):
    job = workspace.start(name)
    page = page_of(job.id, "usage")
    expect(page).to_contain_text("chief-0")
    job.succeed()


def is_drawn(curve):
    """Say whether the canvas has more than one colour."""
    return curve.locator("canvas").first.evaluate(
        """canvas => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size > 1;
        }"""
    )
