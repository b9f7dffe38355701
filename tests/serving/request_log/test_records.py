"""Records of a journal: whole ones are read, one that was cut off is counted."""

from __future__ import annotations

import pytest

from mlmagic.serving.request_log.records import Head, Logged, pack, pack_head, unpack

HEAD = Head("rides", "taxi", None)
RECORDS = [
    Logged(1_700_000_000_000_000 + n, n, 3, b'{"instances": [%d]}' % n, b'{"predictions": []}') for n in range(3)
]
DATA = pack_head(HEAD) + pack(RECORDS)


def test_what_was_packed_is_read() -> None:
    journal = unpack(DATA)
    assert journal is not None
    assert (journal.head, journal.records, journal.torn) == (HEAD, RECORDS, 0)


def test_wherever_it_is_cut_off_the_records_before_are_whole() -> None:
    begin, one = len(pack_head(HEAD)), len(pack(RECORDS[:1]))
    for size in range(begin, len(DATA)):
        journal = unpack(DATA[:size])
        assert journal is not None
        assert journal.records == RECORDS[: (size - begin) // one]
        assert journal.torn == ((size - begin) % one > 0)


def test_without_a_whole_head_there_is_nothing() -> None:
    assert all(unpack(DATA[:size]) is None for size in range(len(pack_head(HEAD))))


@pytest.mark.parametrize("place", [-1, -30, -45])
def test_a_record_with_other_bytes_is_none(place: int) -> None:
    data = bytearray(DATA)
    data[place] ^= 1
    journal = unpack(bytes(data))
    assert journal is not None
    assert (journal.records, journal.torn) == (RECORDS[:2], 1)
