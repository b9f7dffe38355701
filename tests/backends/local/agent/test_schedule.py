from __future__ import annotations

import pytest

from mlmagic.backends.local.agent.schedule import BUSY_SECONDS, IDLE_SECONDS, LONGEST_PAUSE, PRUNE_SECONDS, Schedule


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schedule(clock: Clock) -> Schedule:
    return Schedule(clock)


def test_ticks_are_rarer_without_work(schedule: Schedule, clock: Clock) -> None:
    assert schedule.tick_is_due
    schedule.ticked(is_busy=True)
    assert (schedule.tick_is_due, schedule.seconds_left()) == (False, BUSY_SECONDS)
    schedule.ticked(is_busy=False)
    assert schedule.seconds_left() == IDLE_SECONDS


def test_a_call_is_heard_at_once_and_a_row_of_calls_is_heard_together(schedule: Schedule, clock: Clock) -> None:
    schedule.ticked(is_busy=False)
    assert not schedule.look_is_due
    schedule.called()
    assert (schedule.look_is_due, schedule.seconds_left()) == (True, 0.0)
    with schedule.looking():
        clock.now += 0.01
    schedule.called()
    assert not schedule.look_is_due
    assert schedule.seconds_left() == pytest.approx(0.04)
    clock.now += 0.05
    assert schedule.look_is_due


def test_a_call_during_a_look_is_not_lost(schedule: Schedule, clock: Clock) -> None:
    with schedule.looking():
        schedule.called()
    assert schedule.look_is_due


def test_a_look_that_failed_is_still_due(schedule: Schedule) -> None:
    schedule.called()
    with pytest.raises(OSError), schedule.looking():
        raise OSError
    assert schedule.look_is_due


def test_rest_begins_with_the_last_work(schedule: Schedule, clock: Clock) -> None:
    assert not schedule.has_rested(0.0)
    schedule.ticked(is_busy=True)
    clock.now += 5
    schedule.ticked(is_busy=False)
    assert (schedule.has_rested(5), schedule.has_rested(6)) == (True, False)
    schedule.idles_until(6)
    assert schedule.seconds_left() == 1
    schedule.called()
    assert not schedule.has_rested(0.0)


def test_pauses_grow_until_something_works(schedule: Schedule) -> None:
    assert [schedule.next_pause() for _ in range(3)] == [0.1, 0.2, 0.4]
    assert max(schedule.next_pause() for _ in range(9)) == LONGEST_PAUSE
    schedule.ticked(is_busy=True)
    assert schedule.next_pause() == 0.1


def test_it_is_tidied_up_now_and_then(schedule: Schedule, clock: Clock) -> None:
    assert [schedule.prune_is_due() for _ in range(2)] == [True, False]
    clock.now += PRUNE_SECONDS
    assert [schedule.prune_is_due() for _ in range(2)] == [True, False]
