from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.workspace.times import from_micros, to_micros


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis wants it so
def test_times_survive_to_the_microsecond(time: datetime) -> None:
    assert from_micros(to_micros(time)) == time


def test_offsets_are_taken_into_account() -> None:
    assert from_micros(to_micros(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))))) == datetime(
        2025, 12, 31, 22, tzinfo=UTC
    )
