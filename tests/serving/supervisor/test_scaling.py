from __future__ import annotations

from mlmagic.serving.supervisor.restarts import HOPELESS, LONGEST_SECONDS, Restarts, growing_pause
from mlmagic.serving.supervisor.scaling import BUSY_SECONDS, CALM_SECONDS, Autoscaler, Load
from mlmagic.spec.endpoint import Scaling

UP_TO_3 = Scaling(min_replicas=0, max_replicas=3, idle_seconds=900)


def test_a_connection_wakes_one_worker_and_idleness_ends_it() -> None:
    scaler = Autoscaler(0.0)
    assert scaler.look(0.0, UP_TO_3, Load()) == 0
    scaler.ask(10.0)
    assert scaler.look(10.0, UP_TO_3, Load()) == 1
    assert scaler.look(909.0, UP_TO_3, Load(workers=1)) == 1
    assert scaler.look(910.0, UP_TO_3, Load(workers=1)) == 0


def test_requests_and_workers_that_start_keep_it_awake() -> None:
    scaler = Autoscaler(0.0)
    scaler.ask(0.0)
    assert scaler.look(899.0, UP_TO_3, Load(workers=1, requests=5)) == 1
    assert scaler.look(1700.0, UP_TO_3, Load(starting=1, requests=5)) == 1
    assert scaler.look(2599.0, UP_TO_3, Load(workers=1, requests=5)) == 1


def test_busy_seconds_bring_one_more_up_to_the_most() -> None:
    scaler, busy = Autoscaler(0.0), 95.0
    scaler.ask(0.0)
    counts = []
    for second in range(30):
        workers = max(1, scaler.wanted)
        load = Load(workers=workers, cpu_percent=busy * workers, requests=second)
        counts.append(scaler.look(float(second + 1), UP_TO_3, load))
    assert counts[: int(BUSY_SECONDS)] == [1] * int(BUSY_SECONDS)
    assert counts[-1] == 3
    assert sorted(counts) == counts


def test_a_long_queue_is_busy_too() -> None:
    scaler = Autoscaler(0.0)
    scaler.ask(0.0)
    load = Load(workers=1, waiting=600, queue=1000)
    scaler.look(1.0, UP_TO_3, load)
    assert scaler.look(1.0 + BUSY_SECONDS, UP_TO_3, load) == 2


def test_a_calm_minute_takes_one_away() -> None:
    scaler = Autoscaler(0.0)
    scaler.wanted = 3
    scaler.look(1.0, UP_TO_3, Load(workers=3, cpu_percent=30, requests=1))
    assert scaler.look(1.0 + CALM_SECONDS, UP_TO_3, Load(workers=3, cpu_percent=30, requests=2)) == 2


def test_the_bounds_hold_whatever_was_wanted() -> None:
    scaler = Autoscaler(0.0)
    assert scaler.look(1.0, Scaling(min_replicas=2, max_replicas=1), Load()) == 2
    scaler.wanted = 9
    assert scaler.look(1.0, UP_TO_3, Load(requests=1)) == 3


def test_the_first_death_is_made_good_at_once_and_later_ones_after_growing_pauses() -> None:
    restarts, pauses = Restarts(), []
    for _ in range(20):
        restarts.died(100.0, None, "it died")
        pauses.append(restarts.next_at - 100.0)
    assert pauses[:4] == [0.0, 0.25, 0.5, 1.0]
    assert pauses[-1] == LONGEST_SECONDS
    assert restarts.is_hopeless


def test_a_day_of_deaths_costs_no_more_than_an_hour() -> None:
    restarts = Restarts()
    for _ in range(3000):
        restarts.died(100.0, None, "it died")
    assert restarts.next_at == 100.0 + LONGEST_SECONDS
    assert [growing_pause(1.0, count, 60.0) for count in (0, 5, 6, 3000)] == [1.0, 32.0, 60.0, 60.0]


def test_a_worker_that_served_for_a_while_begins_a_new_count() -> None:
    restarts = Restarts()
    for _ in range(HOPELESS):
        restarts.died(100.0, 99.0, "it died")
    assert restarts.is_hopeless
    restarts.died(200.0, 150.0, "it died")
    assert not restarts.is_hopeless
    assert restarts.next_at == 200.0
