from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mlmagic.filters.moments import parse_moment

NOW = datetime(2026, 3, 31, 12, 30, 15, tzinfo=UTC)


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone that the machine is in."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2018Z", None, None),
        ("2018-01-15Z", None, None),
        ("2018-01-15T12Z", "2018-01-15T12:00:00", "2018-01-15T13:00:00"),
        ("2018-01-15 12:30Z", "2018-01-15T12:30:00", "2018-01-15T12:31:00"),
        ("2018-01-15T12:30:15z", "2018-01-15T12:30:15", "2018-01-15T12:30:16"),
        ("2018-01-15T12:30:15.5Z", "2018-01-15T12:30:15.500000", "2018-01-15T12:30:15.500001"),
        ("2018-01-15T12:30:15.123456789Z", "2018-01-15T12:30:15.123456", "2018-01-15T12:30:15.123457"),
        ("2018-01-15T12:30:15+02:00", "2018-01-15T10:30:15", "2018-01-15T10:30:16"),
        ("2018-01-15T12:30:15-0530", "2018-01-15T18:00:15", "2018-01-15T18:00:16"),
        ("-PT1H", "2026-03-31T11:30:15", None),
        ("PT1H", "2026-03-31T13:30:15", None),
        ("+P1DT1M0.5S", "2026-04-01T12:31:15.500000", None),
        ("-P2W", "2026-03-17T12:30:15", None),
        ("-P1M", "2026-02-28T12:30:15", None),
        ("-P1Y1M", "2025-02-28T12:30:15", None),
        ("-p1,5d", "2026-03-30T00:30:15", None),
        ("P99999999999999Y", "9999-12-31T23:59:59.999999", None),
        ("-P99999999999W", "0001-01-01T00:00:00", None),
    ],
)
def test_times(text: str, start: str | None, end: str | None) -> None:
    moment = parse_moment(text)
    if start is None:
        assert moment is None
        return
    assert moment is not None
    interval = moment.at(NOW)
    assert interval.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert end is None or interval.end == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "-P1", "P1H", "20180115", "2018-1-5", "2018-13", "2018-02-30", "2018-01-15T25", "now"]
)
def test_what_is_no_time(text: str) -> None:
    assert parse_moment(text) is None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2018", (2018, 1, 1), (2019, 1, 1)),
        ("2018-02", (2018, 2, 1), (2018, 3, 1)),
        ("2018-12", (2018, 12, 1), (2019, 1, 1)),
        ("2018-07-15", (2018, 7, 15), (2018, 7, 16)),
        ("2018-07-15T08", (2018, 7, 15, 8), (2018, 7, 15, 9)),
    ],
)
def test_without_offset_a_date_is_one_of_this_machine(
    zone: str, text: str, start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    moment = parse_moment(text)
    assert moment is not None
    interval = moment.at(NOW)
    assert interval.start == datetime(*start).astimezone()
    assert interval.end == datetime(*end).astimezone()
