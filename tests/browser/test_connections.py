"""A server that goes and comes back, and tabs that share one browser's six connections."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_panel import open_panel
from support.browser_tab import Tab
from support.kept_endpoints import until

# More than a browser has connections to a server.
MANY = 8


@pytest.fixture
def new_windows(new_tab):
    """Open windows of one browser, all of them in sight; the first has the stream."""

    def opened(count):
        tabs = [new_tab().open(f"lab/workspaces/window-{number}") for number in range(count)]
        for tab in tabs:
            open_panel(tab)
        return tabs

    return opened


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


def test_windows_in_sight_share_one_stream(new_windows, server, workspace, name):
    job = workspace.start(name)
    windows = new_windows(MANY)
    for tab in windows:
        tab.until_state(tab.row(job.id), "RUNNING")
    assert server.streams() == 1
    job.succeed()
    for tab in windows:
        tab.until_state(tab.row(job.id), "SUCCEEDED")


@pytest.mark.parametrize("leave", [lambda tab: tab.page.close(), Tab.hide], ids=["closed", "hidden"])
def test_windows_stay_live_when_the_one_with_the_stream_leaves(new_windows, server, workspace, name, leave):
    job = workspace.start(name)
    first, *others = new_windows(3)
    leave(first)
    until(lambda: server.streams() == 1)
    job.succeed()
    for tab in others:
        tab.until_state(tab.row(job.id), "SUCCEEDED")


def test_there_is_no_stream_while_no_window_is_in_sight(new_windows, server):
    windows = new_windows(2)
    until(lambda: server.streams() == 1)
    for tab in windows:
        tab.hide()
    until(lambda: server.streams() == 0)
    windows[-1].hide(is_hidden=False)
    until(lambda: server.streams() == 1)


@pytest.mark.slow
def test_a_window_that_stands_still_loses_the_stream(new_windows, workspace, name):
    job = workspace.start(name)
    first, *others = new_windows(3)
    first.until_state(first.row(job.id), "RUNNING")
    debugger = first.page.context.new_cdp_session(first.page)
    debugger.send("Debugger.enable")
    debugger.send("Debugger.pause")
    job.succeed()
    for tab in others:
        tab.until_state(tab.row(job.id), "SUCCEEDED")
    debugger.send("Debugger.resume")
    first.until_state(first.row(job.id), "SUCCEEDED")


def test_without_locks_each_window_has_a_stream(new_tab, server, workspace, name):
    """As on a host that is reached without TLS."""
    job = workspace.start(name)
    tabs = [new_tab() for _ in range(2)]
    for number, tab in enumerate(tabs):
        tab.page.add_init_script("delete Navigator.prototype.locks")
        open_panel(tab.open(f"lab/workspaces/{name}-{number}"))
        tab.until_state(tab.row(job.id), "RUNNING")
    assert server.streams() == len(tabs)
    job.succeed()
    for tab in tabs:
        tab.until_state(tab.row(job.id), "SUCCEEDED")


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "You are not logged in any more"), (404, "mlmagic is not enabled where the Jupyter server runs")],
)
def test_it_says_why_nothing_comes_and_goes_on_when_it_is_shown_again(tab, workspace, name, status, words):
    job = workspace.start(name)
    tab.expect_complaint(f"status of {status}")
    tab.page.route("**/mlmagic/api/**", lambda route: route.fulfill(status=status))
    tab.open()
    panel = open_panel(tab)
    expect(tab.part("error")).to_contain_text(f"The Jupyter server answered {status}")
    panel.show("models")
    expect(tab.part("connection")).to_contain_text(words)
    expect(tab.part("status")).to_have_count(0)
    tab.page.unroute("**/mlmagic/api/**")
    tab.hide()
    tab.hide(is_hidden=False)
    panel.show("jobs")
    tab.until_state(panel.row(job.id), "RUNNING")
    expect(tab.part("status")).to_contain_text("running")
    job.succeed()


def test_the_end_of_a_job_is_told_in_one_window_of_a_browser(new_tab, workspace, name):
    workspace.run(f"{name}-before", "print(1)\n")
    job = workspace.start(name)
    tabs = [new_tab() for _ in range(2)]
    for number, tab in enumerate(tabs):
        tab.page.route("**/api/settings*", tell_of_all)
        open_panel(tab.open(f"lab/workspaces/{name}-{number}"))
        tab.until_state(tab.row(job.id), "RUNNING")
    job.succeed()
    for tab in tabs:
        tab.until_state(tab.row(job.id), "SUCCEEDED")
    until(lambda: told_of(tabs, name))
    later = workspace.run(f"{name}-later", "print(1)\n")
    until(lambda: told_of(tabs, later.spec.display_name))
    assert len(told_of(tabs, f"{name} SUCCEEDED")) == 1
    assert told_of(tabs, f"{name}-before") == []


def tell_of_all(route):
    """Answer settings by which also short jobs are told of."""
    answer = route.fetch()
    told = answer.json()
    for plugin in told.get("settings", [told]):
        if plugin.get("id") == "mlmagic:panel":
            plugin["raw"] = '{"notifyAfterSeconds": 0}'
    route.fulfill(response=answer, json=told)


def told_of(tabs, text):
    return [words for tab in tabs for words in tab.toasts.all_inner_texts() if text in words]
