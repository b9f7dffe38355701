from __future__ import annotations

from mlmagic.panels.timeline import timeline
from mlmagic.panels.times import absolute


def told(describe, *changes):
    return timeline(describe(changes=changes).changes)


def test_each_state_says_how_long_the_one_before_it_took(describe, now):
    lines = told(describe, ("QUEUED", 140, 0), ("PENDING", 139.9), ("RUNNING", 139.7), ("SUCCEEDED", 10))
    begun = absolute(describe(changes=[("QUEUED", 140, 0)]).changes[0].time)
    assert lines == [f"QUEUED {begun} → RUNNING after 0.3 s → SUCCEEDED after 2 min 09 s"]


def test_a_long_start_is_told(describe):
    [line] = told(describe, ("QUEUED", 20, 0), ("PENDING", 19), ("RUNNING", 9), ("CANCELLING", 5), ("CANCELLED", 4))
    assert line.partition(" → ")[2] == (
        "PENDING after 1.0 s → RUNNING after 10 s → CANCELLING after 4.0 s → CANCELLED after 1.0 s"
    )


def test_what_is_said_twice_is_told_once(describe):
    assert told(describe, ("RUNNING", 20), ("RUNNING", 15), ("FAILED", 10))[0].endswith("→ FAILED after 10 s")


def test_what_a_job_is_at_is_told_however_short(describe):
    assert told(describe, ("QUEUED", 20, 0), ("PENDING", 19.97))[0].endswith("→ PENDING after 30 ms")
    assert told(describe, ("PENDING", 19.97), ("RUNNING", 19.9))[0].startswith("PENDING ")


def test_each_attempt_has_a_line(describe):
    changes = [("QUEUED", 90, 0), ("RUNNING", 89.8, 1), ("QUEUED", 60, 1), ("RUNNING", 59.5, 2), ("FAILED", 9, 2)]
    assert told(describe, *changes)[1:] == [
        "try 1: RUNNING after 0.2 s → failed, QUEUED again after 29 s",
        "try 2: RUNNING after 0.5 s → FAILED after 50 s",
    ]


def test_of_many_attempts_the_first_and_the_last_are_told(describe):
    changes = [("QUEUED", 900, 0)]
    for attempt in range(1, 12):
        changes += [("RUNNING", 900 - 50 * attempt, attempt), ("QUEUED", 880 - 50 * attempt, attempt)]
    lines = told(describe, *changes)
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "try 1", "… 6 more tries", "try 8", "try 9", "try 10", "try 11",
    ]  # fmt: skip


def test_there_may_be_nothing_to_tell(describe):
    assert timeline(()) == []
    assert len(told(describe, ("RUNNING", 5))) == 1
