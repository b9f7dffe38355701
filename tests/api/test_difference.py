"""Two jobs side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from mlmagic.api.difference import JobDifference, diff_jobs
from mlmagic.api.job import Job
from mlmagic.errors import NotFoundError
from mlmagic.session import Session
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.testing.backends import wait_for


def start(session: Session, files: Mapping[str, bytes] = {}, metrics: Mapping[str, float] = {}, **fields: Any) -> Job:
    backend = session.backend()
    files = {"trainer/__init__.py": b"", "trainer/task.py": b"print(1)\n", **files}
    package = TrainerPackage(shape=CellShape.GIVEN, files=files, digest=str(hash(tuple(files.items()))))
    spec = JobSpec(display_name="taxi", package=PackageReference(digest=package.digest), **fields)
    record = wait_for(backend, backend.submit(spec, package).id)
    backend._jobs[record.id].record = dataclasses.replace(record, metrics=metrics)  # type: ignore[attr-defined]
    return Job(id=record.id, backend=backend)


def diff(session: Session, first: Job, second: Job) -> JobDifference:
    return diff_jobs(first.id, second, session=session)


def rows(differences: tuple[Any, ...]) -> dict[str, tuple[str | None, str | None]]:
    return {row.key: (row.first, row.second) for row in differences}


def test_code_differs_line_by_line(session: Session) -> None:
    first = start(session, {"trainer/model.py": b"a = 1\nb = 2\n", "old.txt": b"old"})
    second = start(session, {"trainer/model.py": b"a = 1\nb = 3\n", "new.txt": b"new\n"})
    texts = {file.name: file.text for file in diff(session, first, second).code}
    assert texts["trainer/model.py"] == (
        "--- trainer/model.py\n+++ trainer/model.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n"
    )
    assert texts["new.txt"] == "--- /dev/null\n+++ new.txt\n@@ -0,0 +1 @@\n+new\n"
    assert texts["old.txt"].endswith("-old\n\\ No newline at end of file\n")


def test_data_is_not_told_line_by_line(session: Session) -> None:
    first, second = start(session, {"a.npy": b"\0" * 2000, "b.csv": b"\xff"}), start(session, {"a.npy": b"\0" * 3000})
    texts = {file.name: file.text for file in diff(session, first, second).code}
    assert texts["a.npy"] == "Binary files differ: 2,000 bytes and 3,000 bytes\n"
    assert texts["b.csv"] == "Binary files differ: 1 bytes and no file\n"


def test_flags_differ_by_name(session: Session) -> None:
    first = start(session, args=("--epochs", "5", "--rate=0.1", "train.csv"))
    second = start(session, args=("--epochs", "9", "--rate=0.1", "--cache"), flags={"epochs": "9", "rate": "0.1"})
    different = diff(session, first, second)
    assert rows(different.flags) == {"epochs": ("5", "9"), "other arguments": ("train.csv", None)}
    assert different.code == ()


def test_settings_differ_by_the_names_that_filters_have(session: Session) -> None:
    first = start(session, labels={"owner": "ada"}, versions={"keras": "3.14"}, max_retries=1, git_commit="ab12")
    second = start(session, labels={"team": "x"}, versions={"keras": "3.15"}, fresh=True, timeout_seconds=60.0)
    assert rows(diff(session, first, second).settings) == {
        "labels.owner": ("ada", None),
        "labels.team": (None, "x"),
        "versions.keras": ("3.14", "3.15"),
        "maxRetries": ("1", "0"),
        "gitCommit": ("ab12", None),
        "fresh": ("false", "true"),
        "timeoutSeconds": (None, "60"),
    }


def test_results_differ(session: Session) -> None:
    first = start(session, {"trainer/task.py": b"1/0"}, metrics={"loss": 0.123456789})
    second = start(session, metrics={"loss": 0.1, "accuracy": 1.0})
    results = rows(first.diff(second, session=session).results)
    assert results["state"] == ("FAILED", "SUCCEEDED")
    assert results["error"] == ("ZeroDivisionError: division by zero", None)
    assert (results["metrics.loss"], results["metrics.accuracy"]) == (("0.123457", "0.1"), (None, "1"))


def test_a_job_differs_in_nothing_from_itself(session: Session) -> None:
    only = start(session)
    same = diff_jobs("taxi", only.id, session=session)
    assert (same.code, same.flags, same.settings, same.results) == ((), (), (), ())
    assert "It is one and the same job." in str(same)
    with pytest.raises(NotFoundError, match="there is no job 'boats'"):
        diff_jobs("taxi", "boats", session=session)
