"""Windows of a request log, in journals and in Parquet alike."""

from __future__ import annotations

import pytest
from support.monitored import NOON, log, rides

from mlmagic.api.monitor_log import newest_periods, tables_in
from mlmagic.serving.request_log import reading
from mlmagic.serving.request_log.convert import convert_journals


@pytest.fixture
def folder(tmp_path):
    """The log of three hours, the first of which is Parquet by now."""
    log(tmp_path, rides(100, seed=1))
    convert_journals(tmp_path)
    for hour in (1, 2):
        log(tmp_path, rides(50, seed=2), hour=hour)
    return tmp_path


def count(folder, period):
    return sum(table.num_rows for table in tables_in(folder, period))


def test_each_request_is_in_one_window(folder):
    newest, before = newest_periods(folder, seconds=3600 + 600, rows=None)
    assert (count(folder, newest), count(folder, before)) == (10, 10)
    assert newest.first == before.last + 1


def test_rows_make_a_window_of_as_many_requests_before(folder):
    newest, before = newest_periods(folder, seconds=1, rows=45)
    assert (count(folder, newest), count(folder, before)) == (5, 5)
    newest, before = newest_periods(folder, seconds=1, rows=1000)
    assert (count(folder, newest), count(folder, before)) == (20, 0)
    assert newest.ends[0] == NOON


def test_files_of_other_times_are_not_read(folder, monkeypatch):
    newest, _ = newest_periods(folder, seconds=600, rows=None)
    read = []
    monkeypatch.setattr(reading.LogPart, "__init__", spied(reading.LogPart.__init__, read))
    assert count(folder, newest) == 5
    assert len(read) == 2


def spied(init, read):
    def spy(part, **fields):
        read.append(part)
        init(part, **fields)

    return spy


def test_an_empty_log_has_no_windows(tmp_path):
    assert newest_periods(tmp_path / "none", seconds=60, rows=None) is None
    assert not list(tmp_path.iterdir())
