"""What costs money is started by the panel, too, only when the user has agreed: 409 says how much, `yes` agrees."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.kept_endpoints import register
from support.queued import Jobs
from support.rest import Ask

from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.spec.job import JobState
from mlmagic.spec.panel_rows import Problem
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

NOW = datetime.now(UTC)


@pytest.fixture
def google(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The server's session, where Google is set up but nobody is logged in."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    for key, value in {"project": "my-project", "region": "us-central1", "bucket": "gs://my-bucket"}.items():
        session.configure(f"google_{key}", value)
    return session


async def test_a_job_runs_again_only_after_a_yes(ask: Ask, google: Session) -> None:
    jobs = Jobs(google.workspace)
    job_id = jobs.make("print(1)", backend="google", timeout_seconds=7200.0).id
    jobs.store.advance(job_id, expect={JobState.QUEUED}, to=JobState.SUCCEEDED, now=NOW)
    answer = await ask(f"jobs/{job_id}/rerun", "POST", {})
    problem = decode(Problem, answer.json["problem"])
    assert answer.status == 409
    assert problem.cost == "BASIC: 1 × n1-standard-4 for up to 2 h (timeout) = 2 machine-hours"
    assert [summary.id for summary in jobs.store.list(limit=10)] == [job_id]
    answer = await ask(f"jobs/{job_id}/rerun", "POST", {"yes": True})
    assert (answer.status, answer.json["problem"].get("cost")) == (502, None)
    assert "there are no Google credentials" in answer.json["problem"]["message"]
    assert not google.has_agreed, "the next one may be somebody else's"


async def test_an_endpoint_starts_only_after_a_yes(ask: Ask, google: Session) -> None:
    store = EndpointStore(Database(google.workspace))
    deployed = (DeployedVersion(number=register(google.workspace, 1).number),)
    times = {"create_time": NOW, "update_time": NOW}
    store.create(EndpointSpec(name="taxi", backend="google", model="sums", deployed=deployed, port=0, **times))
    answer = await ask("endpoints/taxi/start", "POST", {})
    told = "endpoint taxi: 1 × n1-standard-2 = 1 machine-hour per hour until it is undeployed"
    assert (answer.status, answer.json["problem"]["cost"]) == (409, told)
