"""What gcloud leaves open, or does in a way of its own, and what it is here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mlmagic.spec.job import JobError, JobState

Passes = Callable[..., bool]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags.lr<0.1", True),
        ("flags.lr=1e-2", True),
        ("flags.lr='1e-2'", False),
        ("flags.lr='0.01'", True),
        ("flags.steps>9", True),
        ("flags.steps>'9'", False),
        ("flags.optimizer>adagrad", True),
        ("flags.optimizer>5", True),
        ("flags.optimizer<5", False),
        ("flags.shuffle=true", True),
        ("flags.optimizer=ADAM", True),
        ("metrics.loss<=0.25 metrics.accuracy>0.9", True),
        ("metrics.best=nan", True),
        ("metrics.best<5", False),
        ("metrics.best>5", True),
    ],
)
def test_numbers_compare_as_numbers_and_quoted_ones_as_text(passes: Passes, text: str, expected: bool) -> None:
    flags = {"lr": "0.01", "steps": "10", "optimizer": "adam", "shuffle": "True"}
    assert passes(text, flags=flags, metrics={"loss": 0.25, "accuracy": 0.95, "best": float("nan")}) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model=x", False),
        ("model!=x", True),
        ("model:x", False),
        ("model<x", False),
        ("model>=x", False),
        ("model~.*", False),
        ("model!~x", True),
        ("model:*", False),
        ("-model:*", True),
        ("endTime<2030", False),
        ("NOT endTime<2030", True),
        ("labels.a!=x", True),
        ("args!=x", True),
    ],
)
def test_what_is_undefined_passes_only_negations(passes: Passes, text: str, expected: bool) -> None:
    assert passes(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("createTime=2026-01-31T12:30:15Z", True),
        ("createTime=2026-01-31T12:30Z", True),
        ("createTime=2026-01-31T12:30:15.123456Z", True),
        ("createTime=2026-01-31T12:30:15.123457Z", False),
        ("createTime!=2026-01", False),
        ("createTime:2026-01-31", True),
        ("createTime:2026-01-31T12*", True),
        ("createTime~^2026-01-31T12.*Z$", True),
        ("createTime>2026-01-31T12:30:15Z", True),
        ("createTime<=2026-01-31T12:30:15Z", False),
        ("createTime<PT1S", True),
        ("createTime>=-PT0S", True),
    ],
)
def test_times_are_intervals_where_they_are_equal(passes: Passes, text: str, expected: bool) -> None:
    assert passes(text) is expected


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("message:cafe", {"message": "Un Café noir"}, True),
        ("message:CAFÉ", {"message": "un cafe noir"}, True),
        ("displayName:10", {"display_name": "run-10-b"}, True),
        ("displayName:10", {"display_name": "run-105-b"}, False),
        ("displayName:10*", {"display_name": "run-105-b"}, True),
        ("displayName:-10", {"display_name": "run-10-b"}, True),
        ("displayName:run_*", {"display_name": "run_10"}, True),
        ("state:SUCCEEDED", {"state": JobState.PARTIALLY_SUCCEEDED}, False),
        ("state:JOB_STATE_RUN*", {}, True),
        ("state=running", {}, True),
        ("state=PREPARING", {"state": JobState.PENDING}, True),
        ("error:memory", {"error": JobError(message="out of memory")}, True),
        ("error.message~MEM", {"error": JobError(message="out of memory")}, False),
        ("labels:owner", {"labels": {"owner": "ada"}}, True),
        ("labels=ada", {"labels": {"owner": "ada"}}, True),
        ("args:--epochs*", {"args": ("--epochs=5",)}, False),
        ("args~^--epochs", {"args": ("--epochs=5",)}, True),
        ("fresh=1", {"fresh": True}, True),
        ("invocation:'[x]?'", {"invocation": "a[x]?b"}, True),
    ],
)
def test_words(passes: Passes, text: str, fields: dict[str, Any], expected: bool) -> None:
    assert passes(text, **fields) is expected


def test_the_longest_filter_still_runs(passes: Passes) -> None:
    assert passes(" OR ".join(["priority=1"] * 690 + ["priority=0"]), priority=0)
    assert not passes("id:(" + "a " * 4990 + ")")
    assert passes("(NOT " * 20 + "state=RUNNING" + ")" * 20)


def test_now_is_the_callers(passes: Passes) -> None:
    assert passes("createTime>-PT1H")
    assert not passes("createTime>-PT1H", now=datetime(2026, 2, 1, tzinfo=UTC))
