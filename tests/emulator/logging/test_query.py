"""Filters of Cloud Logging."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.logging.query import read_query

GCLOUD = (
    '(resource.type="ml_job" OR resource.type="cloudml_job") AND resource.labels.job_id="12" '
    'AND timestamp>="2026-01-02T03:04:05+01:00"'
)


def entry(**changes: Any) -> dict[str, Any]:
    labels = {"project_id": "p", "job_id": "12", "task_name": "workerpool0-0"}
    time = "2026-01-02T03:04:05.000000Z"
    common = {"resource": {"type": "ml_job", "labels": labels}, "timestamp": time, "text_payload": "epoch 1"}
    return {**common, "severity": "INFO", **changes}


def test_the_filter_of_gcloud() -> None:
    query = read_query(GCLOUD)
    assert query.lets_through(entry())
    assert not query.lets_through(entry(timestamp="2026-01-02T02:04:04.999999Z"))
    assert (query.job_id, query.since) == ("12", "2026-01-02T02:04:05.000000Z")


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("severity>=ERROR", False),
        ("severity>=INFO", True),
        ("severity < warning", True),
        ('severity="INFO"', True),
        ("severity:DEBUG", False),
        ('resource.labels.task_name="workerpool1-0" OR labels.task_name="x"', False),
        ('textPayload:"EPOCH"', True),
        ('textPayload="severity>=ERROR"', False),
        ('NOT textPayload:"loss" resource.type=ml_job', True),
        ("", True),
    ],
)
def test_what_a_filter_lets_through(text: str, passes: bool) -> None:
    assert read_query(text).lets_through(entry()) is passes


def test_a_severity_within_quotes_is_text() -> None:
    assert read_query('textPayload:"severity=ERROR"').lets_through(entry(text_payload="a severity=error"))


@pytest.mark.parametrize(
    "text",
    [
        'resource.labels.job_id="12" OR severity=ERROR',
        'NOT resource.labels.job_id="12"',
        '-resource.labels.job_id="12"',
        '(resource.labels.job_id="12" OR severity=ERROR)',
        '(severity=ERROR OR (severity=INFO AND resource.labels.job_id="12"))',
    ],
)
def test_what_need_not_hold_narrows_nothing(text: str) -> None:
    assert read_query(text).job_id is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("severity>=LOUD", "Unparseable filter: unknown severity LOUD."),
        ('timestamp>="yesterday"', "Unparseable filter: invalid timestamp 'yesterday'."),
    ],
)
def test_what_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(ApiError) as raised:
        read_query(text)
    assert raised.value.message == why
