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


def test_a_space_that_was_typed_is_still_there_when_the_next_word_comes(tab, workspace, name):
    kept, other = (workspace.run(f"{name}-{key}", "print(1)\n") for key in "ab")
    tab.open()
    panel = open_panel(tab)
    expect(panel.row(other.id)).to_be_visible()
    box = tab.part("filter")
    box.press_sequentially(f"displayName={name}-a ")
    expect(panel.row(other.id)).to_have_count(0)
    box.press_sequentially("AND state=SUCCEEDED")
    expect(box).to_have_value(f"displayName={name}-a AND state=SUCCEEDED")
    expect(panel.row(kept.id)).to_be_visible()
    expect(tab.part("filter-error")).to_have_count(0)


def test_the_first_click_into_a_scrolled_list_opens_what_is_under_it(new_context, new_tab, workspace, name):
    jobs = [workspace.run(f"{name}-{key}", "print(1)\n") for key in range(8)]
    tab = new_tab(new_context(viewport={"width": 1000, "height": 440})).open()
    panel = open_panel(tab)
    panel.filter(f"displayName:{name}*")
    expect(tab.part("job-count")).to_have_text("8 jobs")
    tab.part("jobs").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    expect(panel.row(jobs[0].id)).to_be_in_viewport(ratio=1)
    panel.open_page(jobs[0].id)
    expect(panel.row(jobs[0].id)).to_be_in_viewport(ratio=1)


def test_the_keyboard_goes_to_the_next_job_when_one_is_deleted(tab, workspace, name):
    last, middle, first = (workspace.run(f"{name}-{key}", "print(1)\n") for key in "abc")
    tab.open()
    panel = open_panel(tab)
    panel.filter(f"displayName:{name}*")
    expect(tab.part("job-count")).to_have_text("3 jobs")
    tab.part("jobs").focus()
    for key in ("Home", "ArrowDown", "Delete"):
        tab.page.keyboard.press(key)
    tab.page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(panel.row(middle.id)).to_have_count(0)
    expect(panel.row(last.id)).to_have_attribute("data-active", "true")
    expect(panel.row(first.id)).to_have_attribute("data-active", "false")


def test_what_fails_for_several_jobs_is_told_once(tab, workspace, name):
    for key in "abc":
        workspace.run(f"{name}-{key}", "print(1)\n")
    tab.expect_complaint("status of 500")
    tab.open()
    panel = open_panel(tab)
    panel.filter(f"displayName:{name}*")
    expect(tab.part("job-count")).to_have_text("3 jobs")
    tab.part("jobs").focus()
    for key in ("Home", "Space", "Shift+End"):
        tab.page.keyboard.press(key)
    tab.page.route(
        "**/api/v1/jobs/*",
        lambda route: route.fulfill(status=500) if route.request.method == "DELETE" else route.fallback(),
    )
    tab.part("action-delete", tab.part("chosen")).click()
    tab.page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(tab.toasts).to_have_count(1)
    expect(tab.toasts).to_contain_text("3 of 3 jobs failed: The Jupyter server answered 500")


def test_times_are_those_of_the_server(tab, workspace, name):
    job = workspace.start(name)
    tab.page.add_init_script(
        "{ const now = Date.now; Date.now = () => now() + 3_600_000; }"  # This machine is an hour ahead of the server.
    )
    tab.open()
    elapsed = tab.part("elapsed", open_panel(tab).row(job.id))
    expect(elapsed).to_contain_text("sec")
    expect(elapsed).not_to_contain_text("hr")
    expect(elapsed).not_to_contain_text("min")
    job.succeed()


def test_a_mistake_in_one_list_leaves_the_others(tab, workspace, name):
    job = workspace.start(name)
    for complaint in ("cannot be shown", "React error #31"):
        tab.expect_complaint(complaint)
    tab.page.route("**/api/v1/models*", lambda route: route.fulfill(json={"models": [{"name": {}, "versions": 1}]}))
    tab.open()
    panel = open_panel(tab)
    panel.show("models")
    expect(tab.part("broken")).to_contain_text("The list of models cannot be shown, which is a mistake of mlmagic")
    panel.show("jobs")
    tab.until_state(panel.row(job.id), "RUNNING")
    tab.page.unroute("**/api/v1/models*")
    panel.show("models")
    expect(tab.part("broken")).to_have_count(0)
    job.succeed()
