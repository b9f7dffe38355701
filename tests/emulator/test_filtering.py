"""The filter language of lists."""

from __future__ import annotations

import pytest

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.filtering import parse_filter

JOB = {
    "display_name": "taxi fares",
    "state": "JOB_STATE_SUCCEEDED",
    "labels": {"team": "red", "a.b": "c", "empty": ""},
    "create_time": "2026-11-22T10:00:00.000001Z",
    "resource": {"type": "ml_job", "labels": {"task_name": "workerpool0-0"}},
    "replica_count": "12",
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        'state="JOB_STATE_SUCCEEDED" AND display_name="taxi fares"',
        'displayName="taxi fares" labels.team=red',
        "labels.team:* AND NOT labels.nobody:*",
        "labels:team",
        "labels.empty:*",
        'labels."a.b"=c',
        'create_time>"2026-11-22T10:00:00Z" AND createTime<"2026-11-22T11:00:00+00:30"',
        'timestamp>="2020-01-01T00:00:00Z" OR state!=JOB_STATE_FAILED',
        '(resource.type="other" OR resource.type="ml_job") AND resource.labels.task_name="workerpool0-0"',
        "-state=JOB_STATE_FAILED",
        "replica_count>9 AND replica_count<=12",
        'display_name="taxi*"',
        "display_name:FARES",
        'state=("JOB_STATE_FAILED" OR "JOB_STATE_SUCCEEDED")',
        'display_name=~"^taxi f.*s$"',
    ],
)
def test_filters_that_let_a_job_through(text: str) -> None:
    assert parse_filter(text)(JOB)


@pytest.mark.parametrize(
    "text",
    [
        "state=SUCCEEDED",
        "labels.nobody:*",
        "labels.nobody=red",
        "labels.team=red AND state=JOB_STATE_FAILED",
        "NOT labels.team=red",
        'create_time<"2026-11-22T10:00:00Z"',
        "nothing>5",
        'display_name!="taxi fares"',
    ],
)
def test_filters_that_do_not(text: str) -> None:
    assert not parse_filter(text)(JOB)


@pytest.mark.parametrize("text", ["state", "state=", "(state=a", "state=a)", "AND", 'state="a', "=a", "a=b OR"])
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="Invalid filter") as refused:
        parse_filter(text)

    assert refused.value.status == "INVALID_ARGUMENT"
