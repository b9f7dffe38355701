"""The checkpoints of a job, below its overview."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect
from support.browser_tab import violations

SOURCE = """
import os
from pathlib import Path

folder = Path(os.environ["AIP_CHECKPOINT_DIR"])
folder.mkdir(parents=True, exist_ok=True)
for epoch in range(1, 8):
    path = folder / f"epoch-{epoch}.keras"
    path.write_bytes(bytes(1024 * epoch))
    os.utime(path, (1_700_000_000 + epoch, 1_700_000_000 + epoch))
"""


@pytest.fixture
def page_of(tab):
    """Open the page of a job."""

    def open_page(job_id):
        tab.open()
        tab.command("mlmagic:show-page", noun="job", key=job_id)
        page = tab.part("job-page", job_id=job_id)
        expect(page.locator(".mlm-page-html")).to_be_visible()
        return page

    return open_page


def test_the_newest_come_first_and_the_others_when_asked_for(tab, workspace, name, page_of):
    page = page_of(workspace.run(name, SOURCE).id)
    section = tab.part("checkpoints", page)
    expect(section.get_by_role("heading")).to_have_text("Checkpoints 7, 28 KiB together")
    expect(tab.part("checkpoint", section).locator("th")).to_have_text(
        [f"epoch-{number}.keras" for number in range(7, 2, -1)]
    )
    expect(tab.part("checkpoint", section).first.locator("td[data-number]")).to_have_text(["7", "7 KiB"])
    section.get_by_role("button", name="Show 2 older ones").click()
    expect(tab.part("checkpoint", section)).to_have_count(7)
    assert violations(tab.page, "[data-mlm=checkpoints]") == []


def test_a_path_is_copied(tab, workspace, name, new_context, page_of):
    job = workspace.run(name, SOURCE)
    page = page_of(job.id)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the path of epoch-7.keras").click()
    folder = workspace.session.location.job(job.id).checkpoint_dir
    tab.page.wait_for_function(
        "async text => (await navigator.clipboard.readText()) === text", arg=os.fspath(folder / "epoch-7.keras")
    )


def test_there_is_no_section_without_any_until_one_is_written(tab, workspace, name, page_of):
    job = workspace.start(name)
    page = page_of(job.id)
    expect(tab.part("checkpoints", page)).to_have_count(0)
    folder = workspace.session.location.job(job.id).checkpoint_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "step-100.npz").write_bytes(b"1")
    job.succeed()
    expect(tab.part("checkpoint", page)).to_contain_text("step-100.npz")
