"""The list of jobs in the side panel: live whatever becomes of the kernel, and what can be done from it."""

from __future__ import annotations

import os

from playwright.sync_api import expect
from support.browser_notebook import LOAD, open_notebook
from support.browser_panel import open_panel


def test_it_is_live_while_the_kernel_is_busy_restarted_and_gone(tab, workspace, name, tmp_path):
    program, gate = workspace.program(), tmp_path / "gate"
    os.mkfifo(gate)
    notebook = open_notebook(
        tab, f"{name}.ipynb", LOAD, f"%%train {name}\n{program.source}", f"open({str(gate)!r}).read()"
    )
    panel = open_panel(tab)
    notebook.run(0)
    notebook.run(1)
    job = workspace.follow(name, program)
    tab.until_state(panel.row(job.id), "RUNNING")
    notebook.run(2, is_awaited=False)
    notebook.until_busy()
    second = workspace.start(f"{name}-b")
    tab.until_state(panel.row(second.id), "RUNNING")
    second.succeed()
    tab.until_state(panel.row(second.id), "SUCCEEDED")
    notebook.until_busy()
    notebook.restart_kernel()
    third = workspace.start(f"{name}-c")
    tab.until_state(panel.row(third.id), "RUNNING")
    notebook.end_kernel()
    third.fail("the kernel is gone")
    tab.until_state(panel.row(third.id), "FAILED")
    job.succeed()
    tab.until_state(panel.row(job.id), "SUCCEEDED")


def test_a_job_is_cancelled_and_run_again_from_it(tab, workspace, name):
    job = workspace.start(name)
    tab.open()
    panel = open_panel(tab)
    panel.act(job.id, "cancel")
    tab.until_state(panel.row(job.id), "CANCELLED")
    panel.act(job.id, "rerun")
    again = workspace.follow_again(job)
    tab.until_state(panel.row(again.id), "RUNNING")
    again.succeed()
    tab.until_state(panel.row(again.id), "SUCCEEDED")
    tab.until_state(panel.row(job.id), "CANCELLED")


def test_a_filter_is_checked_where_it_stands(tab, workspace, name):
    job = workspace.start(name)
    other = workspace.run(f"{name}-b", "print('ended')\n")
    tab.expect_complaint("status of 400 .*/jobs")
    tab.open()
    panel = open_panel(tab)
    expect(panel.row(other.id)).to_be_visible()
    panel.filter(f"displayName:{name}* AND state=RUNING")
    expect(tab.part("filter-error")).to_contain_text("RUNNING")
    panel.filter(f"displayName:{name}* AND state=RUNNING")
    expect(tab.part("filter-error")).to_have_count(0)
    expect(panel.row(job.id)).to_be_visible()
    expect(panel.row(other.id)).to_have_count(0)
    panel.filter(f"displayName={name}-b")
    expect(panel.row(other.id)).to_be_visible()
    expect(panel.row(job.id)).to_have_count(0)
    job.succeed()


def test_a_filter_that_nothing_passes_says_what_to_do(tab, workspace):
    tab.open()
    panel = open_panel(tab)
    panel.filter("displayName=no-job-is-called-so")
    expect(tab.part("empty")).to_be_visible()
    assert "filter" in tab.part("empty").inner_text().lower()


def test_it_is_the_same_after_a_reload(tab, workspace, name):
    job = workspace.start(name)
    tab.open()
    tab.until_state(open_panel(tab).row(job.id), "RUNNING")
    tab.reload()
    panel = open_panel(tab)
    tab.until_state(panel.row(job.id), "RUNNING")
    job.succeed()
    tab.until_state(panel.row(job.id), "SUCCEEDED")
