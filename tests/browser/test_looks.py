"""Both themes, narrow widths, the keyboard, and what a screen reader needs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_panel import open_panel
from support.browser_server import REPOSITORY
from support.browser_tab import selector, violations

SEEN = REPOSITORY / "build" / "browser" / "themes"


@pytest.fixture
def measured(workspace, name):
    """A job that ended well, with a curve."""
    job = workspace.start(name, labels={"owner": "ada"})
    for step in range(5):
        job.measure(step, epoch_loss=1.0 / (step + 1))
    job.succeed()
    return job


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panel_and_page_are_readable_in_both_themes(new_context, new_tab, measured, theme):
    tab = new_tab(new_context(color_scheme=theme)).open()
    expect(tab.page.locator(f"body[data-jp-theme-light={'true' if theme == 'light' else 'false'}]")).to_be_attached()
    panel = open_panel(tab)
    page = panel.open_page(measured.id)
    SEEN.mkdir(parents=True, exist_ok=True)
    found = []
    for part in ("overview", "logs", "curves", "usage", "code"):
        tab.part(f"page-tab-{part}", page).click()
        expect(tab.part(f"page-part-{part}", page)).not_to_be_empty()
        found += violations(tab.page, selector("panel"), selector("job-page"))
        tab.page.screenshot(path=SEEN / f"{part}-{theme}.png")
    assert sorted(set(found)) == []


def test_the_list_is_used_by_the_keyboard_alone(tab, workspace, name):
    first, second = (workspace.run(f"{name}-{key}", "print(1)\n") for key in "ab")
    tab.open()
    panel = open_panel(tab)
    panel.filter(f"displayName:{name}*")
    expect(panel.row(first.id)).to_be_visible()
    tab.part("jobs").focus()
    tab.page.keyboard.press("Home")
    expect(panel.row(second.id)).to_have_attribute("data-active", "true")
    tab.page.keyboard.press("ArrowDown")
    expect(panel.row(first.id)).to_have_attribute("data-active", "true")
    tab.page.keyboard.press("Enter")
    expect(tab.part("job-page", job_id=first.id)).to_be_visible()


@pytest.mark.parametrize("width", [180, 220, 250])
def test_a_narrow_panel_keeps_its_rows_within_it(tab, workspace, name, width):
    job = workspace.start(f"{name}-{'long-' * 15}name")
    tab.open()
    panel = open_panel(tab)
    tab.until_state(panel.row(job.id), "RUNNING")
    # JupyterLab itself lets a sidebar be 250 pixels wide, and no less.
    narrow = f"min-width: 0 !important; max-width: {width}px !important;"
    tab.page.add_style_tag(content=f"{selector('panel')} {{ {narrow} }}")
    row = panel.row(job.id)
    tab.page.wait_for_function("([row, width]) => row.clientWidth === width", arg=[row.element_handle(), width])
    assert row.evaluate("row => row.scrollWidth - row.clientWidth") <= 0
    assert row.evaluate("row => row.querySelector('[data-mlm=state]').getBoundingClientRect().right") < 32 + 1 + width
    job.succeed()
