from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.backends.local.machine import Machine
from mlmagic.backends.local.scheduler import Demand, choose, lack, why_all_wait, why_waiting

GIB = 1 << 30
MACHINE = Machine(cores=4, memory_bytes=8 * GIB)


def demand(job_id: str, cores: float = 1.0, gigabytes: float = 1.0) -> Demand:
    return Demand(id=job_id, cores=cores, memory_bytes=int(gigabytes * GIB))


demands = st.builds(
    Demand,
    id=st.uuids().map(str),
    cores=st.sampled_from([0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 9.0]),
    memory_bytes=st.integers(0, 12 * GIB),
)
queues = st.lists(demands, max_size=12, unique_by=lambda demand: demand.id)


def test_what_fits_is_started_in_order() -> None:
    queue = [demand("a", 2), demand("b", 1), demand("c", 1), demand("d", 1)]
    assert [chosen.id for chosen in choose(queue, [], MACHINE)] == ["a", "b", "c"]
    assert [chosen.id for chosen in choose(queue, [demand("x", 1)], MACHINE)] == ["a", "b"]


def test_nothing_overtakes_the_head_that_does_not_fit() -> None:
    assert choose([demand("large", 4), demand("small", 0.1)], [demand("x", 1)], MACHINE) == []
    assert choose([demand("large", 1, 8), demand("small", 1, 0)], [demand("x", 1, 1)], MACHINE) == []


def test_a_job_larger_than_the_machine_runs_alone() -> None:
    large, small = demand("large", 9, 99), demand("small", 0.1, 0)
    assert choose([large, small], [], MACHINE) == [large]
    assert choose([large], [small], MACHINE) == []


def test_ten_tenths_are_a_core() -> None:
    tenths = [demand(str(number), 0.1, 0) for number in range(50)]
    assert len(choose(tenths, [], MACHINE)) == 40


def test_what_takes_nothing_waits_for_nothing() -> None:
    study, large = demand("study", 0, 0), demand("large", 4)
    assert choose([large, study, demand("small", 0.1)], [demand("x", 1)], MACHINE) == [study]
    assert choose([large], [study], MACHINE) == [large]
    assert why_all_wait(["large", "study"], [study, large], [], MACHINE) == {"large": None, "study": None}
    assert why_waiting("study", [large, study], [demand("x", 4)], MACHINE) is None
    assert why_waiting("large", [study, large], [demand("x", 4)], MACHINE) == "4 cores: x has them"


@given(queue=queues, running=queues)
def test_never_over_capacity_and_in_order(queue: list[Demand], running: list[Demand]) -> None:
    chosen = choose(queue, running, MACHINE)
    assert chosen == queue[: len(chosen)]
    everything = [*running, *chosen]
    if len(everything) > 1 and chosen:
        assert sum(one.cores for one in everything) <= MACHINE.cores + 1e-6
        assert sum(one.memory_bytes for one in everything) <= MACHINE.memory_bytes


@given(queue=queues, order=st.randoms())
def test_no_job_waits_for_ever(queue: list[Demand], order: object) -> None:
    waiting, running, started = list(queue), [], []
    for _ in range(2 * len(queue)):
        chosen = choose(waiting, running, MACHINE)
        started += chosen
        running += chosen
        waiting = waiting[len(chosen) :]
        # Some job ends; which one, nobody can tell.
        if running:
            running.pop(order.randrange(len(running)))  # type: ignore[attr-defined]
    assert started == queue


@given(queue=queues.filter(bool), running=queues)
def test_the_head_is_told_why_it_waits_exactly_when_it_does(queue: list[Demand], running: list[Demand]) -> None:
    is_started = bool(choose(queue, running, MACHINE))
    assert (why_waiting(queue[0].id, queue, running, MACHINE) is None) == is_started


@pytest.mark.parametrize(
    ("queue", "running", "told"),
    [
        ([demand("a"), demand("b"), demand("c")], [], "2 jobs before it"),
        ([demand("a"), demand("c")], [], "1 job before it"),
        ([demand("c", 4)], [demand("x", 1)], "4 cores: x has them"),
        ([demand("c", 1)], [demand("x", 2), demand("y", 2), demand("z", 0)], "1 core: x and 1 more have it"),
        ([demand("c", 1, 2.5)], [demand("x", 1, 7)], "2.5 GB of memory: x has it"),
        ([demand("c", 1, 9)], [demand("x", 1, 0)], "9.0 GB of memory: x has it"),
        ([demand("c", 9, 9)], [demand("x", 0, 0)], None),
        ([demand("c")], [], None),
    ],
)
def test_why_a_job_waits(queue: list[Demand], running: list[Demand], told: str | None) -> None:
    assert why_waiting("c", queue, running, MACHINE) == told


def test_what_is_lacking() -> None:
    assert lack(demand("a", 4, 9), [], MACHINE) == "memory"
    assert lack(demand("a", 4, 8), [], MACHINE) is None
