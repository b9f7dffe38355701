"""Rows that were rejected, counted."""

from __future__ import annotations

import pickle
import random

from mlmagic.preprocessing.reading.rejections import Rejection, Tally, rejection_batch

ROWS = [
    Rejection("b.csv" if row % 2 else "a.csv", row, "odd" if row % 3 else "even", f"told {row}") for row in range(100)
]


def test_a_tally_is_the_same_however_rows_are_divided():
    whole = Tally()
    whole.add(ROWS)
    chance = random.Random(7)  # noqa: S311 - no secrets here
    merged = Tally()
    for row in chance.sample(ROWS, len(ROWS)):
        part = Tally()
        part.add([row])
        merged = pickle.loads(pickle.dumps(merged.merge(part)))  # noqa: S301 - our own
    assert merged.samples() == whole.samples()
    assert merged.counts == whole.counts == {"even": 34, "odd": 66}
    assert merged.total == 100


def test_samples_are_the_first_of_each_reason_the_most_frequent_first():
    tally = Tally()
    tally.add(ROWS)
    assert [(row.file, row.reason) for row in tally.samples()][:2] == [("a.csv", "told 2"), ("a.csv", "told 4")]
    assert len(tally.samples()) == 10


def test_a_batch_of_rejected_rows_can_hold_any_text():
    rows = [
        Rejection("a", 0, "r", "t", "x\ud800"),
        Rejection("a", 1, "r", "t", None, 7),
        Rejection("a", 2, "r", "t", "y" * 99_999),
    ]
    batch = rejection_batch(rows)
    assert batch["text"].to_pylist()[:2] == ["x\\ud800", None]
    assert batch["line"].to_pylist() == [None, 7, None]
    assert len(batch["text"][2].as_py()) == 65_536
