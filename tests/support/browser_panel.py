"""The side panel, and the pages that it opens."""

from __future__ import annotations

from playwright.sync_api import Locator, expect
from support.browser_tab import Tab, selector

# What cannot be taken back.
_ASKING = ("cancel", "delete")


class Panel:
    """The side panel in a tab."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    def row(self, job_id: str) -> Locator:
        return self.tab.part("job-row", job_id=job_id)

    def act(self, job_id: str, action: str) -> None:
        """Choose from the menu of a job's row, and say yes where it asks."""
        self.tab.part("job-menu", self.row(job_id)).click()
        self.tab.page.locator(f".lm-Menu {selector(f'action-{action}')}").click()
        if action in _ASKING:
            self.tab.page.locator(".jp-Dialog .jp-mod-accept").click()

    def filter(self, text: str) -> None:
        self.tab.part("filter").fill(text)

    def show(self, noun: str) -> None:
        """Go to the tab of models, endpoints, data or jobs."""
        self.tab.part(f"tab-{noun}").click()

    def open_page(self, job_id: str) -> Locator:
        """Open the page of a job, and return it."""
        self.row(job_id).click()
        page = self.tab.part("job-page", job_id=job_id)
        expect(page).to_be_visible()
        return page


def open_panel(tab: Tab) -> Panel:
    """Bring the side panel to the front."""
    tab.command("mlmagic:open-panel")
    expect(tab.part("tab-jobs")).to_be_visible()
    return Panel(tab)
