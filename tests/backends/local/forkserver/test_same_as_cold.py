"""A program cannot tell, and nobody can tell from its end, whether it was started warm or cold."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from support.fork_pool import Pool
from support.probes import ENDS, SURROUNDINGS

from mlmagic.spec.job import JobRecord


def run_both(pool: Pool, source: str, **fields: object) -> tuple[JobRecord, JobRecord]:
    """Run a program warm and cold, side by side."""
    both = [pool.start(source, fresh=fresh, **fields) for fresh in (False, True)]
    warm, cold = (pool.end(job_id) for job_id in both)
    outcomes = [pool.outcomes[record.id] for record in (warm, cold)]
    assert [getattr(outcome, "is_warm", None) for outcome in outcomes] == [True, False], outcomes
    return warm, cold


def told(pool: Pool, record: JobRecord) -> str:
    """What a program printed, without what no two jobs have in common."""
    text = pool.log(record.id).replace(record.id, "JOB")
    text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)
    return re.sub(r"0x[0-9a-f]{8,}|(?<=_thread_)\d+", "NUMBER", text)


def assert_same(pool: Pool, source: str, **fields: object) -> None:
    warm, cold = run_both(pool, dedent(source), **fields)
    assert told(pool, warm) == told(pool, cold)
    assert (warm.state, warm.exit_code) == (cold.state, cold.exit_code)
    message = [record.error and record.error.message for record in (warm, cold)]
    assert message[0] == message[1]
    assert all(not (pool.jobs.workspace.job(record.id).supervisor_log).read_text() for record in (warm, cold))


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_program_finds_the_same_surroundings(pool: Pool, name: str) -> None:
    assert_same(pool, SURROUNDINGS[name], args=("--epochs=5", "two words", "", "é"))


@pytest.mark.parametrize("name", ENDS)
def test_a_program_ends_the_same(pool: Pool, name: str) -> None:
    assert_same(pool, ENDS[name])
