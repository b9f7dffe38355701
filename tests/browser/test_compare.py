"""Jobs side by side: two, five, one that is deleted, one of a study."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_tab import violations
from support.event_files import event, record
from support.kept_endpoints import until
from support.studies import study_spec, submit_study

SOURCE = """
import argparse
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.parse_args()
folder = Path(os.environ["AIP_TENSORBOARD_LOG_DIR"]) / "train"
folder.mkdir(parents=True)
(folder / "events.out.tfevents.1.host").write_bytes({data!r})
"""


@pytest.fixture
def ended(workspace, name):
    """Run so many jobs to their end; each has another learning rate and loss."""

    def run(count):
        return [
            workspace.run(
                f"{name}-{number}",
                SOURCE.format(data=record(event(1, epoch_loss=number / 10))),
                args=[f"--lr=0.{number}"],
            )
            for number in range(1, count + 1)
        ]

    return run


@pytest.fixture
def compare(tab):
    """Open the comparison of jobs."""

    def open_page(*ids):
        tab.open()
        tab.command("mlmagic:show-page", noun="compare", key=",".join(ids))
        page = tab.part("compare-page")
        expect(page).to_be_visible()
        return page

    return open_page


def test_two_jobs_show_flags_that_differ_metrics_and_both_curves(tab, ended, name, compare):
    jobs = ended(2)
    page = compare(*(job.id for job in jobs))
    table = page.locator(".mlm-page-html table").first
    for text in ("lr", "0.1", "0.2", "loss", "★ 0.1000", "0.2000"):
        expect(table.get_by_text(text, exact=True).first).to_be_visible()
    expect(tab.part("curve", page).locator(".mlm-legend-name")).to_have_text([f"{name}-1", f"{name}-2"])
    assert violations(tab.page, "[data-mlm=compare-page]") == []


def test_five_jobs_have_a_line_each_and_a_tab_that_says_so(tab, ended, compare):
    page = compare(*(job.id for job in ended(5)))
    expect(tab.part("curve", page).get_by_role("listitem")).to_have_count(5)
    expect(tab.page.locator(".lm-TabBar-tabLabel", has_text="5 jobs compared")).to_be_visible()


def test_one_that_is_deleted_leaves_the_others(tab, ended, compare):
    # What was asked for just before it was deleted is not found any more.
    tab.expect_complaint("status of 404")
    one, two, three = ended(3)
    page = compare(one.id, two.id, three.id)
    expect(tab.part("curve", page).get_by_role("listitem")).to_have_count(3)
    two.delete()
    expect(tab.part("gone", page)).to_contain_text(f"{two.id} is not there any more")
    expect(tab.part("curve", page).get_by_role("listitem")).to_have_count(2)
    expect(tab.part("error", page)).to_have_count(0)


def test_a_job_that_was_never_there_is_told_and_the_others_are_compared(tab, ended, compare):
    tab.expect_complaint("status of 404")
    jobs = ended(2)
    page = compare(*(job.id for job in jobs), "gone-20260101-000000-abcd")
    expect(tab.part("gone", page)).to_contain_text("gone-20260101-000000-abcd is not there any more")
    expect(tab.part("curve", page).get_by_role("listitem")).to_have_count(2)


def test_a_trial_is_compared_with_a_job_of_its_own(tab, workspace, ended, compare):
    backend = workspace.session.backend()
    study = submit_study(backend, study=study_spec(trials=1))
    until(lambda: backend.get(study.id).state.is_final)
    (job,) = ended(1)
    page = compare(f"{study.id}-1", job.id)
    expect(page.locator(".mlm-page-html")).to_contain_text("units")
    expect(page.locator(".mlm-page-html")).to_contain_text(job.spec.display_name)
