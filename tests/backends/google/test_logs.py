"""Entries of Cloud Logging as lines of files, whatever order they come in; the answers are those of its API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.logs import fetch_logs
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import JobFolder

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
REMOTE = RemoteRecord(attempt=1, project="p", region="r", sent_time=START, name="projects/p/locations/r/customJobs/7")


class Recorded(GoogleClient):
    """Answers with entries that stand here, a page after the other, and notes the filters."""

    def __init__(self) -> None:
        super().__init__(GoogleSettings(project="p", region="r", bucket="gs://b", settle_seconds=20.0))
        self.pages: Sequence[list[dict[str, Any]]] = [[]]
        self.filters: list[str] = []

    def log_entries(self, where: str, page_token: str = "") -> dict[str, Any]:
        self.filters.append(where)
        number = int(page_token or 0)
        more = {"nextPageToken": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"entries": self.pages[number], **more}


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    made = JobFolder(tmp_path / "jobs" / "taxi-20260131-123015-0a1b")
    make_folder(made.logs)
    return made


def entry(text: str, seconds: float, task: str = "workerpool0-0", **payload: Any) -> dict[str, Any]:
    told = payload or {"textPayload": text}
    resource = {"type": "ml_job", "labels": {"job_id": "7", "task_name": task}}
    time = (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"insertId": f"{task} {text}", "timestamp": time, "resource": resource, **told}


def test_lines_are_those_of_their_replicas(folder: JobFolder) -> None:
    client = Recorded()
    client.pages = [[entry("one", 0), entry("two", 1, "workerpool1-3")], [entry("3", 2, jsonPayload={"message": "x"})]]
    assert fetch_logs(client, folder, REMOTE)
    assert (folder.log().read_text(), folder.log("worker", 3).read_text()) == ("one\nx\n", "two\n")
    assert client.filters[0] == 'resource.type="ml_job" AND resource.labels.job_id="7"'


def test_what_the_service_says_is_no_line_of_a_replica(folder: JobFolder) -> None:
    client = Recorded()
    client.pages = [[entry("Waiting for machines", 0, "service")]]
    fetch_logs(client, folder, REMOTE)
    assert folder.supervisor_log.read_text() == "Waiting for machines\n"
    assert list(folder.logs.iterdir()) == []


def test_late_entries_are_added_and_known_ones_are_not(folder: JobFolder) -> None:
    client = Recorded()
    client.pages = [[entry("one", 0), entry("three", 30)]]
    fetch_logs(client, folder, REMOTE)
    client.pages = [[entry("two", 15), entry("three", 30)]]
    assert fetch_logs(client, folder, REMOTE)
    assert not fetch_logs(client, folder, REMOTE)
    assert folder.log().read_text() == "one\nthree\ntwo\n"
    assert client.filters[-1].endswith(' AND timestamp>="2026-01-31T12:00:10+00:00"')


def test_what_was_appended_but_not_noted_is_cut_off(folder: JobFolder) -> None:
    client = Recorded()
    client.pages = [[entry("one", 0)]]
    fetch_logs(client, folder, REMOTE)
    with folder.log().open("a") as log:
        log.write("two\nth")
    client.pages = [[entry("one", 0), entry("two", 1), entry("three", 2)]]
    fetch_logs(client, folder, REMOTE)
    assert folder.log().read_text() == "one\ntwo\nthree\n"


def test_a_new_attempt_goes_on_below_the_one_before(folder: JobFolder) -> None:
    client = Recorded()
    client.pages = [[entry("one", 0)]]
    fetch_logs(client, folder, REMOTE)
    with folder.log().open("a") as log:
        log.write("mlmagic: attempt 1 failed\n")
    client.pages = [[entry("again", 60)]]
    fetch_logs(client, folder, RemoteRecord(attempt=2, project="p", region="r", sent_time=START, name="x/8"))
    assert folder.log().read_text() == "one\nmlmagic: attempt 1 failed\nagain\n"
