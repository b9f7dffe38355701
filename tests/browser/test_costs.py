"""What costs money is started from the panel only after a question that says how much it is."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import expect
from support.browser_panel import open_panel

from mlmagic.spec.job import JobSpec, JobState, PackageReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore


def test_a_job_in_the_cloud_is_run_again_after_a_yes(tab, workspace, name):
    store, now = JobStore(Database(workspace.session.workspace)), datetime.now(UTC)
    spec = JobSpec(display_name=name, backend="google", package=PackageReference(digest="0"), timeout_seconds=7200.0)
    job_id = store.create(spec, package_files={"trainer/task.py": b""}, now=now).id
    store.advance(job_id, expect={JobState.QUEUED}, to=JobState.SUCCEEDED, now=now, end_time=now)
    tab.expect_complaint("status of 40[09] .*/rerun")
    tab.open()
    panel = open_panel(tab)
    dialog = tab.page.locator(".jp-Dialog")
    panel.act(job_id, "rerun")
    expect(dialog).to_contain_text("This costs money")
    expect(dialog).to_contain_text("BASIC: 1 × n1-standard-4 for up to 2 h (timeout) = 2 machine-hours")
    dialog.locator(".jp-mod-reject").click()
    expect(tab.page.get_by_text("Nothing was started.")).to_be_visible()
    panel.act(job_id, "rerun")
    dialog.locator(".jp-mod-accept").click()
    # The yes has come to the server, which goes on to ask Google, of which it knows nothing.
    expect(tab.page.get_by_text("the backend 'google' cannot be used as it is set up")).to_be_visible()
    assert [summary.id for summary in store.list(limit=1000) if summary.display_name == name] == [job_id]
