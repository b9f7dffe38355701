"""A server that goes and comes back, and tabs that share one browser's six connections."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_panel import open_panel

TABS = 8


def test_rows_stay_while_the_server_is_restarted_and_go_on_then(tab, workspace, server, name):
    # Of JupyterLab too, which asks the server for things of its own.
    for complaint in ("ERR_CONNECTION_", "ERR_INCOMPLETE_CHUNKED", "WebSocket", "Failed to fetch"):
        tab.expect_complaint(complaint)
    job = workspace.start(name)
    tab.open()
    panel = open_panel(tab)
    tab.until_state(panel.row(job.id), "RUNNING")
    server.stop()
    expect(panel.row(job.id)).to_be_visible()
    job.succeed()
    server.start()
    tab.until_state(panel.row(job.id), "SUCCEEDED")


def test_two_tabs_show_the_same(new_tab, workspace, name):
    job = workspace.start(name)
    tabs = [new_tab().open(path) for path in ("lab", "lab/workspaces/second")]
    panels = [open_panel(tab) for tab in tabs]
    for tab, panel in zip(tabs, panels, strict=True):
        tab.until_state(panel.row(job.id), "RUNNING")
    panels[0].act(job.id, "cancel")
    for tab, panel in zip(tabs, panels, strict=True):
        tab.until_state(panel.row(job.id), "CANCELLED")


@pytest.mark.slow
def test_eight_tabs_all_get_answers(new_tab, workspace, name):
    job = workspace.start(name)
    tabs = []
    for number in range(TABS):
        for earlier in tabs[-1:]:
            earlier.hide()
        tabs.append(new_tab().open(f"lab/workspaces/tab-{number}"))
        tabs[-1].until_state(open_panel(tabs[-1]).row(job.id), "RUNNING")
    job.succeed()
    tabs[-1].hide()
    for tab in tabs:
        tab.hide(is_hidden=False)
        tab.until_state(open_panel(tab).row(job.id), "SUCCEEDED")
        tab.hide()
