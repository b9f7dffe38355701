"""How far training is comes from what Keras really prints, and estimates are honest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.runtime.progress import ProgressReader, estimate_remaining, read_progress
from mlmagic.spec.report import Progress

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
BAR = "\x1b[1m 12/100\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m━━━━\x1b[0m \x1b[1m3s\x1b[0m 30ms/step - loss: 0.5"


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.slow
def test_a_training_that_has_ended_is_done(verbose: int, trained: Callable[[int], tuple[Path, str]]) -> None:
    _, printed = trained(verbose)
    assert "Epoch 2/3" in printed
    assert read_progress(printed) == Progress(epoch=3, epochs=3, step=6, steps=6)


def test_progress_never_goes_back_however_the_log_is_cut(trained: Callable[[int], tuple[Path, str]]) -> None:
    _, printed = trained(1)
    reader, fractions = ProgressReader(), []
    for at in range(0, len(printed), 7):
        progress = reader.feed(printed[at : at + 7])
        fractions.append(progress.fraction if progress else 0.0)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(set(fractions)) > 4


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (f"Epoch 3/10\n{BAR}", Progress(epoch=3, epochs=10, step=12, steps=100)),
        (f"Epoch 3/10\n\r{BAR[:-30]}" + "\b" * 40 + f"\r{BAR}", Progress(epoch=3, epochs=10, step=12, steps=100)),
        ("Epoch 3/10\n     37/Unknown \x1b[1m3s\x1b[0m 8ms/step", Progress(epoch=3, epochs=10, step=37)),
        ("Epoch 1/2\n5/5 - 3s - 600ms/step - loss: 1\nEpoch 2/2\n", Progress(epoch=2, epochs=2)),
        ("  Epoch 2/4 loss=0.3\n", Progress(epoch=2, epochs=4)),
        ("epoch: [2/4]", Progress(epoch=2, epochs=4)),
        ("Epoch 4/4\nmlmagic: attempt 2 of 4 (attempt 1: ended by SIGKILL)\nEpoch 2/4\n", Progress(epoch=2, epochs=4)),
        ("Epoch 2/2\n5/5 ━━━ 0s\nrows 3/5\n1/9 ━━━ 0s", Progress(epoch=2, epochs=2, step=5, steps=5)),
    ],
)
def test_logs_tell_how_far_training_is(log: str, expected: Progress) -> None:
    assert read_progress(log) == expected


@pytest.mark.parametrize(
    "log",
    [
        "",
        "loaded 3/10 files\n",
        "Epoch 11/10\nEpoch 0/5\n",
        BAR,
        "Epoch 4/4\nmlmagic: attempt 2 of 4\nimporting\n",
        "The Epoch 3/10 is mentioned",
    ],
)
def test_other_logs_tell_nothing(log: str) -> None:
    assert read_progress(log) is None


@given(st.text(alphabet="Epoch 0123456789/\x1b[m\r\b\n━Unknow"))
def test_no_text_makes_it_fail(text: str) -> None:
    progress = read_progress("Epoch 3/10\n" + text)
    assert progress is not None
    assert 0 <= progress.fraction <= 1


def test_long_lines_are_not_kept() -> None:
    reader = ProgressReader()
    assert reader.feed("Epoch 1/2\n" + "x" * 100_000) == Progress(epoch=1, epochs=2)
    assert len(reader._rest) <= 1000


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [
        (Progress(epoch=1, epochs=4, step=50, steps=100), None),
        (Progress(epoch=3, epochs=4, step=0, steps=100), 60.0),
        (Progress(epoch=3, epochs=4), 36.0),
        (Progress(epoch=4, epochs=4, step=100, steps=100), 0.0),
    ],
)
def test_what_remains_is_told_once_an_epoch_is_over(progress: Progress, seconds: float | None) -> None:
    assert estimate_remaining(progress, START, START + timedelta(seconds=60)) == seconds


def test_with_the_first_sign_of_training_imports_do_not_count() -> None:
    progress, now = Progress(epoch=1, epochs=4, step=50, steps=100), START + timedelta(seconds=10)
    first = Progress(epoch=1, epochs=4, step=0, steps=100)
    assert estimate_remaining(progress, START, now, since=first) == pytest.approx(70.0)
    assert estimate_remaining(first, START, now, since=first) is None
    assert estimate_remaining(progress, now, START) is None
