from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlmagic.panels.jobs import jobs_bundle
from mlmagic.spec.job import JobState
from mlmagic.spec.project_jobs import ProjectJob, ProjectJobs

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_others_name_their_jobs_is_escaped_and_all_is_told() -> None:
    job = ProjectJob(
        name="projects/p/locations/r/customJobs/77",
        display_name="<script>alert(1)</script>",
        service="custom job",
        state=JobState.RUNNING,
        create_time=NOW - timedelta(minutes=5),
        start_time=NOW - timedelta(minutes=4),
    )
    project = ProjectJobs(backend="google", place="project p, r", jobs=(job,), has_more=True, problems=("No role.",))
    bundle = jobs_bundle([], others=[project], now=NOW)
    html, text = bundle["text/html"], bundle["text/plain"]
    assert ("<script>" in html, "&lt;script&gt;" in html) == (False, True)
    assert "● RUNNING  <script>alert(1)</script>  77      custom job  4 min" in text
    assert text.startswith(
        "No jobs yet. Start one with %%train NAME.\n\nNot of this workspace, in project p, r (google):"
    )
    assert "The newest 1 of them.\nThey are listed only" in text
    assert text.endswith("Not all could be asked for: No role.")


def test_a_project_without_others_says_so() -> None:
    text = jobs_bundle([], others=[ProjectJobs(backend="google", place="project p, r")], now=NOW)["text/plain"]
    assert text.endswith("(google):\nThere are no others.")
