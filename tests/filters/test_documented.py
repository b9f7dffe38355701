"""What gcloud documents: `gcloud topic filters`, ML Engine's and Vertex AI's examples; on keys that jobs have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.errors import UsageError
from mlmagic.filters.parser import parse
from mlmagic.spec.job import JobState, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool

Passes = Callable[..., bool]


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("abc*", "abcpdqxyz", True),
        ("abc", "abcpdqxyz", False),
        ("pdq*", "abcpdqxyz", False),
        ("pdq", "abcpdqxyz", False),
        ("xyz*", "abcpdqxyz", False),
        ("xyz", "abcpdqxyz", False),
        ("*", "abcpdqxyz", True),
        ("*", "", False),
        ("abc*", "abc.pdq.xyz", True),
        ("abc", "abc.pdq.xyz", True),
        ("abc.pdq", "abc.pdq.xyz", True),
        ("pdq*", "abc.pdq.xyz", True),
        ("pdq", "abc.pdq.xyz", True),
        ("pdq.xyz", "abc.pdq.xyz", True),
        ("xyz*", "abc.pdq.xyz", True),
        ("xyz", "abc.pdq.xyz", True),
        ("ABC", "abc.pdq.xyz", True),
        ("(@example.com)", "ada@example.com", True),
        ("(sandbox)", "my sandbox of today", True),
    ],
)
def test_the_table_of_patterns(passes: Passes, pattern: str, value: str, expected: bool) -> None:
    assert passes(f"labels.x:{pattern}", labels={"x": value}) is expected
    assert passes(f"message:{pattern}", message=value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobId:census*", True),
        ("jobId:rnn* AND state:FAILED", False),
        ("jobId:census* AND state:FAILED", True),
        ("state=FAILED", True),
        ("state=OPEN OR state=FAILED", None),
        ("state=JOB_STATE_FAILED AND displayName=census", True),
        ('state="JOB_STATE_SUCCEEDED" AND display_name="census"', False),
        ("machineType:f1-micro", True),
        ("machineType ~ n1 AND -machineType:f1-micro", False),
        ("machineType:n1-standard-8", False),
        ("package.requirements=my-tag", True),
        ("package.requirements=(my-tag,my-other-tag)", True),
        ("package.requirements=my-tag AND package.requirements=my-other-tag", False),
        ("(args=my-tag AND -args=my-other-tag) OR args=alternative-tag", True),
        ("labels.my-label:*", True),
        ("labels.her-label:*", False),
        ("-labels.her-label:*", True),
        ("NOT labels:*", False),
        ("labels:env", True),
        ("args:30e5504145", True),
        ("labels.env=test AND labels.version=alpha", True),
        ('labels.env="test" AND labels.version="beta"', False),
        ("createTime>=2018-01-15", True),
        ("createTime>=2018-01-15T12:00:00", True),
        ("createTime>-P2W", True),
        ("createTime<-P2W", False),
        ("createTime > 2021-04-12T00:00:00.00Z", True),
        ("create_time>\"2018-01-15T12:00:00Z\" AND create_time<'2017-01-01'", False),
        ("endTime<+PT1S", True),
        ("createTime >= 2026-01-01 createTime <= -PT1H", True),
        ("displayName:my-app-template*", False),
        ("displayName:cen*", True),
        ("display_name:(cloud)", False),
        ("fresh=false", True),
        ("fresh:true", False),
        ("priority > 50", False),
        ("attempt:3", True),
        ("state!=RUNNING", True),
        ("kind=training scale_tier=BASIC", True),
        ("-state:RUNNING jobId:cen*", True),
        ("invocation~https://github.com/GoogleCloudPlatform", True),
        ("displayName=(\n  census\n  other\n)", True),
    ],
)
def test_examples(passes: Passes, text: str, expected: bool | None) -> None:
    time = datetime(2026, 1, 31, 10, tzinfo=UTC)
    fields = {
        "display_name": "census",
        "state": JobState.FAILED,
        "create_time": time,
        "end_time": time + timedelta(hours=1),
        "attempt": 3,
        "labels": {"my-label": "1", "env": "test", "version": "alpha"},
        "args": ("my-tag", "30e5504145"),
        "package": PackageReference(digest="d", requirements=("my-tag",)),
        "resources": Resources(worker_pools=(WorkerPool(machine_type="f1-micro"), WorkerPool())),
        "invocation": "%%train --package https://github.com/GoogleCloudPlatform/cloudml-samples",
    }
    if expected is None:
        with pytest.raises(UsageError, match="no job has the state 'OPEN'"):
            parse(text)
    else:
        assert passes(text, **fields) is expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name.scope(topic):'my-topic'", "there is no operator|functions of keys, such as name.scope"),
        ('metadata.list(show="keys"):fingerprint', "functions of keys, such as metadata.list"),
        ("mysubs1 OR mysubs2", "expected an operator after 'mysubs1'"),
        ("a:b AND c:d OR e:f", "there is no key 'a'"),
        ("zone ~ us", "there is no key 'zone'"),
    ],
)
def test_what_is_left_out_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text)
