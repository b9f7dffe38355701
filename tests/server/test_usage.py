from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic.session import Session
from mlmagic.spec.codec import decode, format_time
from mlmagic.spec.usage import Usage, UsageSample
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.usage import UsageLog

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def job(session: Session) -> JobFolder:
    return Jobs(session.workspace).make("")


def sample(seconds: int, replica: str = "chief-0") -> UsageSample:
    return UsageSample(time=NOW + timedelta(seconds=seconds), replica=replica, cores=0.5, memory_bytes=seconds)


async def test_a_job_that_was_not_measured_has_no_samples(ask: Ask, job: JobFolder) -> None:
    answer = await ask(f"jobs/{job.id}/usage")
    assert (answer.status, decode(Usage, answer.json)) == (200, Usage())


async def test_all_samples_are_told_or_those_after_a_time(ask: Ask, job: JobFolder) -> None:
    samples = (sample(0), sample(1), sample(2, "worker-0"))
    log = UsageLog(job)
    log.add(samples)
    log.flush()
    assert decode(Usage, (await ask(f"jobs/{job.id}/usage")).json).samples == samples
    after = await ask(f"jobs/{job.id}/usage?after={format_time(samples[0].time)}")
    assert decode(Usage, after.json).samples == samples[1:]


async def test_what_is_no_time_is_refused(ask: Ask, job: JobFolder) -> None:
    answer = await ask(f"jobs/{job.id}/usage?after=yesterday")
    assert answer.status == 400
    assert "after is a time such as" in answer.problem["problems"][0]


async def test_there_is_no_usage_of_a_job_that_is_not_there(ask: Ask, job: JobFolder) -> None:
    assert (await ask("jobs/taxi-20260131-235959-0a1b/usage")).status == 404
