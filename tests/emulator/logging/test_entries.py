"""The file of a replica's entries."""

from __future__ import annotations

import json
from pathlib import Path

from mlmagic.emulator.logging.entries import ReplicaLog


def line(second: int, text: str) -> str:
    time = f"2026-01-02T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"
    return json.dumps({"time": time, "severity": "INFO", "text": text}) + "\n"


def log(path: Path, *lines: str) -> ReplicaLog:
    path.write_text("".join(lines), "utf-8")
    return ReplicaLog(path=path, project="p", job_id="12", task="workerpool1-0", trial=3)


def test_an_entry_has_all_that_gcloud_asks_for(tmp_path: Path) -> None:
    [entry] = log(tmp_path / "log", line(1, "x")).entries()
    assert entry["resource"] == {
        "type": "ml_job",
        "labels": {"project_id": "p", "job_id": "12", "task_name": "workerpool1-0"},
    }
    assert (entry["text_payload"], entry["severity"]) == ("x", "INFO")
    assert (entry["labels"], entry["log_name"]) == (
        {"ml.googleapis.com/trial_id": "3"},
        "projects/p/logs/workerpool1-0",
    )


def test_torn_lines_are_no_entries(tmp_path: Path) -> None:
    made = log(tmp_path / "log", line(1, "a"), '{"time": "2026', "\n", line(2, "b"), '{"time": "2027-')
    assert [entry["text_payload"] for entry in made.entries()] == ["a", "b"]


def test_a_long_log_is_entered_where_it_begins_to_matter(tmp_path: Path) -> None:
    made = log(tmp_path / "log", *(line(second, "x" * 400) for second in range(20_000)))
    [first, *rest] = made.entries("2026-01-02T05:30:00.000000Z")
    assert first["timestamp"] == "2026-01-02T05:30:00.000000Z"
    assert len(rest) == 20_000 - 5 * 3600 - 30 * 60 - 1


def test_the_insert_id_is_the_same_wherever_reading_began(tmp_path: Path) -> None:
    made = log(tmp_path / "log", *(line(second, "x" * 400) for second in range(10_000)))
    found = [entry for entry in made.entries() if entry["timestamp"] >= "2026-01-02T02:46:30.000000Z"]
    assert found == list(made.entries("2026-01-02T02:46:30.000000Z"))


def test_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    missing = ReplicaLog(path=tmp_path / "none", project="p", job_id="1", task="workerpool0-0")
    assert list(missing.entries()) == []
