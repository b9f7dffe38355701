"""The page of a job: log, curves, usage, code."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_panel import open_panel

import mlmagic


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


def test_the_end_of_a_log_is_read_though_the_job_ends_meanwhile(tab, workspace, name, page_of):
    job = workspace.start(name)
    page = page_of(job.id, "logs")
    expect(tab.part("log-line", page, line=1)).to_contain_text("begun")
    held = []
    # An answer from before the end comes after it.
    tab.page.route("**/logs/chief-0?*", lambda route: held.append((route, route.fetch())))
    tab.page.wait_for_event("request", lambda request: "/logs/chief-0?" in request.url)
    job.say("the end")
    job.succeed()
    tab.until_state(page, "SUCCEEDED")
    for route, response in held:
        route.fulfill(response=response)
    tab.page.unroute("**/logs/chief-0?*")
    expect(tab.part("log-line", page, line=2)).to_contain_text("the end")


def test_lines_that_a_filter_finds_far_apart_are_all_read(tab, workspace, name, page_of):
    source = "for number in range(30_000):\n    print('ERROR: bad' if number % 500 == 0 else 'fine')\n"
    page = page_of(workspace.run(name, source).id, "logs")
    tab.part("log-severity", page).select_option("error")
    expect(tab.part("log-line", page, line=29_501)).to_contain_text("ERROR: bad")
    expect(tab.part("log-line", page).filter(has_text="…")).to_have_count(0)


def test_a_search_that_fails_is_asked_once_and_again_when_wanted(tab, workspace, name, page_of):
    tab.expect_complaint("Failed to load resource")
    page = page_of(workspace.run(name, "print('ERROR: bad')").id, "logs")
    expect(tab.part("log-line", page, line=1)).to_contain_text("ERROR: bad")
    asked = []
    tab.page.route("**/search?*", lambda route: (asked.append(route), route.abort()))
    tab.part("log-severity", page).select_option("error")
    expect(tab.part("error", page)).to_contain_text("The Jupyter server does not answer.")
    tab.page.unroute("**/search?*")
    page.get_by_role("button", name="Try again").click()
    expect(tab.part("log-line", page, line=1)).to_contain_text("ERROR: bad")
    assert len(asked) == 1


def test_run_again_pressed_twice_runs_it_once(tab, workspace, name, page_of):
    page = page_of(workspace.run(name, "print('done')").id, "overview")
    tab.part("action-rerun", page).dblclick()
    expect(tab.page.get_by_text(f"{name} was started again.")).to_have_count(1)
    expect(tab.part("action-rerun", page)).to_be_enabled()
    assert len(mlmagic.jobs(name=name, session=workspace.session)) == 2


def test_how_curves_are_drawn_is_kept_for_the_next_page(tab, workspace, name, page_of):
    job = workspace.start(name)
    job.measure(1, epoch_loss=0.5)
    job.succeed()
    page = page_of(job.id, "curves")
    tab.part("curves-log", page).check()
    tab.reload()
    expect(tab.part("curves-log", page_of(job.id, "curves"))).to_be_checked()


def is_drawn(curve):
    """Say whether the canvas has more than one colour."""
    return curve.locator("canvas").first.evaluate(
        """canvas => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size > 1;
        }"""
    )
