"""Jobs in the cloud, in the side panel and on their pages: where they are, and that nobody can be asked about them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support.browser_panel import open_panel
from support.event_files import event, record

from mlmagic.spec.job import JobError, JobSpec, JobState, PackageReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore


@pytest.fixture
def elsewhere(workspace, name) -> Iterator[str]:
    """A job in a project that the server knows nothing of."""
    store = JobStore(Database(workspace.session.workspace))
    spec = JobSpec(display_name=name, backend="google", package=PackageReference(digest="0"))
    job_id = store.create(spec, package_files={"trainer/task.py": b""}, now=datetime.now(UTC)).id
    train = workspace.session.workspace.job(job_id).tensorboard_dir / "train"
    train.mkdir(parents=True)
    curve = b"".join(record(event(step, epoch_loss=1 / (1 + step))) for step in range(5))
    (train / "events.out.tfevents.1.host").write_bytes(curve)
    yield job_id
    ended, now = JobError(message="the test is over"), datetime.now(UTC)
    store.advance(job_id, expect=set(JobState), to=JobState.FAILED, now=now, end_time=now, error=ended)


def test_a_job_tells_its_backend_and_why_there_is_no_news(tab, workspace, name, elsewhere):
    here = workspace.run(f"{name}-b", "print(1)\n")
    tab.open()
    panel = open_panel(tab)
    row = panel.row(elsewhere)
    expect(tab.part("backend", row)).to_have_text("google")
    expect(tab.part("backend", panel.row(here.id))).to_have_count(0)
    expect(row).to_contain_text("Not running yet: it could not be sent yet: the backend 'google' cannot be used")
    JobStore(Database(workspace.session.workspace)).advance(
        elsewhere, expect={JobState.QUEUED}, to=JobState.RUNNING, now=datetime.now(UTC), start_time=datetime.now(UTC)
    )
    expect(tab.part("trouble", row)).to_contain_text("Not up to date: the backend 'google' cannot be used as it is set")
    expect(tab.part("headline", row)).to_contain_text("loss 0.2")
    # It is cut off where it has no room.
    expect(tab.part("backend", row)).to_be_in_viewport(ratio=1)
    page = panel.open_page(elsewhere)
    expect(tab.part("trouble", page)).to_contain_text("--bucket is missing")
