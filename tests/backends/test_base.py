from __future__ import annotations

import pytest

from mlmagic.backends.base import EDGES, decode_chunk
from mlmagic.spec.job import FINAL_STATES, JobState


def test_no_edge_leaves_a_final_state() -> None:
    assert not FINAL_STATES & set(EDGES)
    assert all(after in EDGES or after in FINAL_STATES for ends in EDGES.values() for after in ends)


def test_no_path_comes_back_but_to_the_queue() -> None:
    order = [JobState.QUEUED, JobState.PENDING, JobState.RUNNING, JobState.CANCELLING]
    assert list(EDGES) == order
    back = {after for i, before in enumerate(order) for after in EDGES[before] if after in order[: i + 1]}
    assert back == {JobState.QUEUED}
    assert JobState.QUEUED not in EDGES[JobState.CANCELLING]


@pytest.mark.parametrize(("cut", "text", "next_offset"), [(4, "né", 13), (3, "né", 13), (2, "n", 11), (1, "n", 11)])
def test_half_a_character_waits(cut: int, text: str, next_offset: int) -> None:
    chunk = decode_chunk("né√".encode()[:cut], 10, is_complete=False)
    assert (chunk.text, chunk.next_offset) == (text, next_offset)


def test_at_the_end_nothing_waits() -> None:
    chunk = decode_chunk(b"n\xc3", 0, is_complete=True)
    assert (chunk.text, chunk.next_offset) == ("n\N{REPLACEMENT CHARACTER}", 2)


def test_what_is_not_text_is_shown_as_such() -> None:
    assert decode_chunk(b"\xff\xfea", 0, is_complete=False).text == "\N{REPLACEMENT CHARACTER}" * 2 + "a"
