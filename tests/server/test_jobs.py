from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic.server.jobs_package import MOST_BYTES
from mlmagic.server.jobs_page import page_facts
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.job import UNFINISHED, JobKind, JobRecord, JobState
from mlmagic.spec.panel_rows import JobRow, PackageFile, Page
from mlmagic.spec.report import JobDescription
from mlmagic.spec.study import Goal, Parameter, ParameterKind, StudySpec
from mlmagic.spec.vertex import VertexOptions
from mlmagic.testing.backends import FOREVER, submit, wait_for

UNKNOWN = "taxi-20260131-235959-0a1b"


@pytest.fixture
def ended(session: Session) -> JobRecord:
    """A job that has run."""
    job = submit(session.backend(), "print('hello')", name="taxi", args=("--epochs", "5"))
    return wait_for(session.backend(), job.id)


@pytest.fixture
def queued(session: Session) -> Iterator[Jobs]:
    """Jobs that nobody runs before somebody looks; they end with the test."""
    yield Jobs(session.workspace)
    backend = session.backend()
    left = backend.list(states=UNFINISHED, trials=True)
    for job in left:
        backend.cancel(job.id)
    for job in left:
        wait_for(backend, job.id)


async def test_a_job_is_described_without_its_log(ask: Ask, session: Session, ended: JobRecord) -> None:
    answer = await ask(f"jobs/{ended.id}")
    assert answer.status == 200
    told = decode(JobDescription, answer.json)
    assert told.record == session.backend().get(ended.id)
    assert told.log_tail == ""
    assert [change.state for change in told.changes][-1] is JobState.SUCCEEDED


async def test_a_job_has_a_page(ask: Ask, ended: JobRecord) -> None:
    page = decode(Page, (await ask(f"jobs/{ended.id}/page")).json)
    assert page.title == "taxi"
    assert ended.id in page.html
    assert page.bundle["record"]["id"] == ended.id  # type: ignore[index]


async def test_the_page_of_a_job_tells_its_commands_and_its_machines(ask: Ask, ended: JobRecord) -> None:
    bundle = (await ask(f"jobs/{ended.id}/page")).json["bundle"]
    assert bundle["localCommand"].startswith("python -m ")
    assert bundle["gcloud"].startswith("gcloud ai custom-jobs create --region=us-central1 --display-name=")
    assert bundle["machines"] == {"chief": {"cores": 4, "memoryBytes": 15 << 30}}


def test_the_page_of_a_job_has_the_file_that_gcloud_needs(session: Session, ended: JobRecord) -> None:
    spec = dataclasses.replace(ended.spec, vertex=VertexOptions(spot=True))
    text = str(page_facts(session, ended.id, spec)["gcloud"])
    assert text.startswith("cat > job.yaml <<'EOF'\nworkerPoolSpecs:\n")
    assert "\nscheduling:\n  strategy: SPOT\nEOF\ngcloud ai custom-jobs create --region=us-central1" in text
    assert text.endswith(" --config=job.yaml")


async def test_the_page_of_a_study_shows_its_trials(ask: Ask, queued: Jobs) -> None:
    rate = Parameter(name="rate", kind=ParameterKind.DOUBLE, minimum=0.0, maximum=1.0)
    study = StudySpec(metric="val_loss", goal=Goal.MINIMIZE, parameters=(rate,), trials=4)
    job = queued.make(FOREVER, kind=JobKind.TUNING, study=study)
    page = decode(Page, (await ask(f"jobs/{job.id}/page")).json)
    assert page.bundle["study"]["spec"]["metric"] == "val_loss"  # type: ignore[index]


async def test_what_a_job_is_called_is_escaped(ask: Ask, queued: Jobs) -> None:
    job = queued.make(FOREVER, labels={"a": "b"}, args=("<script>alert(1)</script>",), invocation="<img onerror=x>")
    page = decode(Page, (await ask(f"jobs/{job.id}/page")).json)
    assert "<script" not in page.html
    assert "<img" not in page.html


async def test_a_job_that_is_not_there(ask: Ask, queued: Jobs) -> None:
    job = queued.make(FOREVER)
    for path in ("", "/page", "/package", "/package/trainer/task.py"):
        answer = await ask(f"jobs/{UNKNOWN}{path}")
        assert (answer.status, answer.problem["message"]) == (404, f"there is no job {UNKNOWN!r}.")
    for path in ("/cancel", "/rerun"):
        assert (await ask(f"jobs/{UNKNOWN}{path}", "POST", {})).status == 404
    assert (await ask(f"jobs/{UNKNOWN}", "DELETE")).status == 404
    # An address takes no names and prefixes: the job that they mean is another one tomorrow.
    assert (await ask("jobs/taxi")).status == 404
    assert (await ask(f"jobs/{job.id[:-1]}")).status == 404


async def test_jobs_are_compared(ask: Ask, queued: Jobs) -> None:
    first, second = (queued.make(FOREVER, args=("--epochs", count)) for count in ("5", "10"))
    page = decode(Page, (await ask(f"jobs/compare?ids={first.id},{second.id}&1764000000000")).json)
    assert page.title == "Comparison"
    assert [job["id"] for job in page.bundle["jobs"]] == [first.id, second.id]  # type: ignore[attr-defined]
    answer = await ask("jobs/compare")
    assert answer.problem["problems"] == ["ids is missing: a list of texts."]
    answer = await ask("jobs/compare?ids=")
    assert answer.status == 400
    assert (await ask(f"jobs/compare?ids={UNKNOWN}")).status == 404


async def test_the_files_of_a_package_are_listed_however_large_they_are(ask: Ask, queued: Jobs) -> None:
    job = queued.make("")
    (job.package / "data.csv").touch()
    os.truncate(job.package / "data.csv", 1 << 36)  # of which the disk holds nothing, and memory could not
    (job.package / "trainer/__pycache__").mkdir(parents=True)
    (job.package / "trainer/__pycache__/task.pyc").touch()
    files = (await ask(f"jobs/{job.id}/package")).json["files"]
    assert {"path": "data.csv", "sizeBytes": 1 << 36} in files
    assert not any("__pycache__" in file["path"] for file in files)
    assert (await ask(f"jobs/{job.id}/package/trainer/task.py")).status == 200


async def test_the_files_of_a_package(ask: Ask, queued: Jobs) -> None:
    job = queued.make("print('hello')\n")
    answer = await ask(f"jobs/{job.id}/package")
    files = {file.path: file for file in (decode(PackageFile, each) for each in answer.json["files"])}
    assert files["trainer/task.py"].size_bytes == len("print('hello')\n")
    answer = await ask(f"jobs/{job.id}/package/trainer/task.py")
    assert answer.json == {"path": "trainer/task.py", "text": "print('hello')\n"}
    answer = await ask(f"jobs/{job.id}/package/trainer/tusk.py")
    assert answer.status == 404
    assert "Did you mean trainer/task.py" in answer.problem["message"]


async def test_a_file_may_be_called_by_what_is_no_text(ask: Ask, queued: Jobs) -> None:
    job = queued.make("print('hello')\n")
    (job.package / os.fsdecode(b"\xff.py")).write_bytes(b"1\n")
    (job.package / "größe.py").write_bytes(b"2\n")
    answer = await ask(f"jobs/{job.id}/package")
    assert {"\udcff.py", "größe.py"} <= {file["path"] for file in answer.json["files"]}
    assert (await ask(f"jobs/{job.id}/package/gr%C3%B6%C3%9Fe.py")).json == {"path": "größe.py", "text": "2\n"}


@pytest.mark.parametrize(
    "path",
    [
        "../spec.json",
        "..%2fspec.json",
        "%2e%2e/spec.json",
        "trainer/../../spec.json",
        "trainer/%2e%2e/%2e%2e/spec.json",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "trainer//task.py",
        "trainer",
        "trainer/",
        ".",
        "link.py",
        "trainer/task.py%00",
        "'%22%3Cscript%3E",
        "..%5Cspec.json",
    ],
)
async def test_nothing_outside_of_a_package_can_be_read(ask: Ask, queued: Jobs, path: str) -> None:
    job = queued.make("print('hello')\n")
    (job.package / "link.py").symlink_to(job.spec)
    answer = await ask(f"jobs/{job.id}/package/{path}")
    assert answer.status == 404
    assert "text" not in answer.json


async def test_what_is_no_text_is_not_shown(ask: Ask, queued: Jobs) -> None:
    job = queued.make("print('hello')\n")
    (job.package / "data.parquet").write_bytes(b"PAR1\xff\xfe")
    (job.package / "long.csv").write_bytes(b"1" * (MOST_BYTES + 1))
    answer = await ask(f"jobs/{job.id}/package/data.parquet")
    assert (answer.status, answer.problem["message"]) == (400, "data.parquet is no text: 6 B.")
    answer = await ask(f"jobs/{job.id}/package/long.csv")
    assert answer.status == 400
    assert answer.problem["message"].startswith("long.csv has 1.0 MiB; up to 1.0 MiB is shown.")


async def test_a_job_is_cancelled(ask: Ask, session: Session, queued: Jobs) -> None:
    job = queued.make(FOREVER)
    answer = await ask(f"jobs/{job.id}/cancel", "POST")
    assert answer.status == 200
    assert decode(JobRow, answer.json).summary.id == job.id
    assert wait_for(session.backend(), job.id).state is JobState.CANCELLED
    assert (await ask(f"jobs/{job.id}/cancel", "POST")).json["summary"]["state"] == "CANCELLED"


async def test_a_job_runs_once_more(ask: Ask, session: Session, ended: JobRecord) -> None:
    answer = await ask(f"jobs/{ended.id}/rerun", "POST", {"arguments": ["--epochs", "10"]})
    assert answer.status == 201
    again = decode(JobRow, answer.json).summary.id
    spec = wait_for(session.backend(), again).spec
    assert (spec.args, spec.rerun_of) == (("--epochs", "10"), ended.id)


async def test_a_rerun_runs_where_the_job_ran(
    ask: Ask, session: Session, ended: JobRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server in another environment than the kernel that the job came from.
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(other))
    answer = await ask(f"jobs/{ended.id}/rerun", "POST", {})
    again = decode(JobRow, answer.json).summary.id
    assert wait_for(session.backend(), again).spec.python == ended.spec.python != str(other)


async def test_a_rerun_takes_arguments_alone(ask: Ask, queued: Jobs) -> None:
    job = queued.make(FOREVER)
    answer = await ask(f"jobs/{job.id}/rerun", "POST", {"arguments": "--epochs 10", "argumens": []})
    assert answer.status == 400
    assert answer.problem["problems"] == [
        'arguments is a list of texts, not "--epochs 10".',
        "there is no field 'argumens'. Did you mean arguments?",
    ]


async def test_a_job_that_has_ended_is_deleted(ask: Ask, session: Session, queued: Jobs) -> None:
    job = queued.make(FOREVER)
    answer = await ask(f"jobs/{job.id}", "DELETE")
    assert answer.status == 400
    assert "only a job that has ended can be deleted" in answer.problem["message"]
    session.backend().cancel(job.id)
    wait_for(session.backend(), job.id)
    answer = await ask(f"jobs/{job.id}", "DELETE")
    assert (answer.status, answer.json) == (204, b"")
    assert (await ask(f"jobs/{job.id}")).status == 404
