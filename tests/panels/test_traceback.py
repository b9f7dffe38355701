from __future__ import annotations

import pytest

from mlmagic.panels.traceback import place_of, shortened

HEADER = "Traceback (most recent call last):"
CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
CELL = "  Cell [22], line 4, in train\n    return frame['x']\n           ~~~~~^^^^^\n"
PANDAS = """  File "/v/lib/python3.12/site-packages/pandas/core/frame.py", line 4378, in __getitem__
    indexer = self.columns.get_loc(key)
  File "pandas/_libs/index.pyx", line 168, in pandas._libs.index.IndexEngine.get_loc
"""
STANDARD = '  File "/usr/lib/python3.11/json/__init__.py", line 3, in loads\n    raise ValueError\n'


def text(traceback):
    return "\n".join(line for line, _ in shortened(traceback))


def test_frames_of_libraries_are_counted():
    assert text(f"{HEADER}\n{CELL}{PANDAS}{STANDARD}KeyError: 'x'") == (
        f"{HEADER}\n{CELL}  … 3 frames in pandas, json\nKeyError: 'x'"
    )


def test_generated_frames_are_counted_as_ours():
    ours = '  File "<mlmagic> trainer/loop.py", line 3, in fit\n    raise ValueError\n'
    told = f"{HEADER}\n{CELL}{ours}{ours}ValueError: x"
    assert text(told) == f"{HEADER}\n{CELL}  … 2 frames in mlmagic\nValueError: x"
    assert place_of(told) == "Cell [22], line 4"


def test_the_users_frames_stand_out_and_the_others_step_back():
    kinds = [kind for _, kind in shortened(f"{HEADER}\n{CELL}{PANDAS}KeyError: 'x'")]
    assert kinds == [None, True, None, None, False, None]


def test_a_cause_that_says_the_same_is_left_out():
    own = f"{HEADER}\n{CELL}KeyError: 'x'"
    assert text(f"{HEADER}\n{PANDAS}KeyError: 'x'{CAUSE}{own}") == own


@pytest.mark.parametrize("cause", [f"{PANDAS}OSError: disk", f"{CELL}KeyError: 'x'"])
def test_a_cause_that_says_more_is_kept(cause):
    told = text(f"{HEADER}\n{cause}{CAUSE}{HEADER}\n{CELL}KeyError: 'x'")
    assert told.count(HEADER) == 2
    assert "direct cause" in told


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        (CELL + PANDAS, "Cell [22], line 4"),
        ('  File "trainer/task.py", line 7, in <module>\n', "trainer/task.py, line 7"),
        ('  File "/home/ann/helpers.py", line 7, in f\n', "helpers.py, line 7"),
        (PANDAS, None),
    ],
)
def test_the_place_is_the_innermost_of_the_users_own(frame, place):
    assert place_of(f"{HEADER}\n{frame}KeyError: 'x'") == place


@pytest.mark.parametrize("told", ["", "killed", f'  + Exception Group {HEADER}\n  |   File "a.py", line 1\n'])
def test_what_is_no_plain_traceback_stays_as_it_is(told):
    assert text(told) == told
    assert place_of(None) is None
