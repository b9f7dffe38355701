from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.spec.log import Severity, severities, severity


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("E0000 00:00:1795.68   18 cuda_dnn.cc:12] no", "error"),
        ("W0000 00:00:1795.68   18 x.cc:12] hm", "warning"),
        ("I0000 00:00:1795.68   18 port.cc:153] oneDNN", "info"),
        ("2026-11-21 09:30:00.123456: F tensorflow/core/x.cc:1] bad", "error"),
        ("2026-11-21 09:30:00.123456: W external/local_xla/x.cc:1] hm", "warning"),
        ("WARNING: All log messages before absl::InitializeLog() is called", "warning"),
        ("WARNING:tensorflow:5 out of the last 5 calls", "warning"),
        ("ERROR - it broke", "error"),
        ("[INFO] begun", "info"),
        ("2026-11-21 09:30:00,123 - trainer.task - ERROR - it broke", "error"),
        ("2026-11-21T09:30:00Z INFO begun", "info"),
        ("ValueError: x", "error"),
        ("keras.src.errors.ShapeError: x", "error"),
        ("KeyboardInterrupt", "error"),
        ("Traceback (most recent call last):", "error"),
        ("/a/my code.py:12: UserWarning: old", "warning"),
        ("DeprecationWarning: old", "warning"),
        ("Epoch 1/5", "none"),
        ("error rate 0.5", "none"),
        ("mean_squared_error: 0.5", "none"),
        ("INFORMATION: x", "none"),
        ("I think, therefore", "none"),
        ("", "none"),
    ],
)
def test_a_line_tells_how_grave_it_is(line, told):
    assert severity(line) == told


def test_a_traceback_is_an_error_as_a_whole():
    log = (
        "ok\nTraceback (most recent call last):\n  Cell [5], line 3, in f\n    1/0\nZeroDivisionError: x\n"
        "\nDuring handling of the above exception, another exception occurred:\n\nok\n  ok"
    )
    error, none = Severity.ERROR, Severity.NONE
    assert list(severities(log.split("\n"))) == [none, *[error] * 4, none, error, none, none, none]


def test_an_exception_of_an_odd_name_ends_its_traceback():
    lines = ["Traceback (most recent call last):", "  File", "trainer.Oops: x", "after"]
    assert list(severities(lines)) == ["error", "error", "error", "none"]


@given(st.lists(st.text()))
def test_each_line_is_told(lines):
    assert len(list(severities(lines))) == len(lines)
