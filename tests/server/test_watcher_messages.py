from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mlmagic.server.watcher_messages import LAGGING, Message, RowWriter
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobKind, JobState, JobSummary, Origin
from mlmagic.spec.panel_rows import Headline, JobRow


def test_a_message_is_written_as_the_format_has_it() -> None:
    assert str(Message(event="job", data="1", id=5)) == "id: 5\nevent: job\ndata: 1\n\n"
    assert str(LAGGING) == "event: lagging\ndata: {}\n\n"


@pytest.mark.parametrize(
    "moving",
    [
        {},
        {"fraction": 0.0, "eta_seconds": 0.0, "cores": 0.0, "memory_bytes": 0},
        {"waiting_for": "1 job before it", "note": 'ä "x"\n', "trouble": "this machine cannot reach Google."},
        {"headline": Headline(name="loss", value=0.5)},
        {"headline": Headline(name="loss", value=0.5, points=(1.0, 0.5))},
        {"headline": Headline(name="loss", value=float("nan"), points=(1.0, float("-inf")))},
    ],
)
def test_rows_are_written_as_the_codec_writes_them(moving: dict[str, Any]) -> None:
    summary = JobSummary(
        id="taxi-20260131-235959-0a1b",
        display_name="taxi",
        kind=JobKind.TRAINING,
        backend="local",
        state=JobState.RUNNING,
        create_time=datetime(2026, 1, 31, tzinfo=UTC),
    )
    writer = RowWriter()
    writer.text(JobRow(summary=summary, fraction=0.5))
    row = JobRow(summary=summary, origin=Origin(notebook="taxi.ipynb"), **moving)
    assert json.loads(RowWriter().text(row)) == encode(row)
    other = dataclasses.replace(summary, state=JobState.FAILED)
    changed = dataclasses.replace(row, summary=other)
    assert json.loads(writer.text(changed)) == encode(changed)


def test_the_writer_knows_every_field_of_a_row() -> None:
    known = {"summary", "origin", "fraction", "eta_seconds", "waiting_for", "headline", "cores", "memory_bytes"}
    assert {field.name for field in dataclasses.fields(JobRow)} == known | {"note", "trouble", "extra"}
