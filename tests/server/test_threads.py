from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from mlmagic.server.threads import BusyError, Threads, threads

PATIENCE = 60.0


class Held:
    """A call that lasts until it is let go."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.has_begun.set()
        assert self.may_end.wait(PATIENCE)
        return threading.current_thread().name


async def test_what_is_done_in_a_thread_comes_back() -> None:
    pool = Threads("pool", 2, 9)
    assert await pool.run(lambda: threading.current_thread().name) == "pool-1"
    with pytest.raises(KeyError, match="oh no"):
        await pool.run(lambda: {}["oh no"])


def test_there_are_no_more_threads_than_needed() -> None:
    pool, held = Threads("pool", 2, 9), [Held() for _ in range(3)]
    for _ in range(5):
        assert pool.submit(lambda: threading.current_thread().name).result(PATIENCE) == "pool-1"
        time.sleep(0.01)
    futures = [pool.submit(each) for each in held]
    for each in held:
        each.may_end.set()
    assert {future.result(PATIENCE) for future in futures} <= {"pool-1", "pool-2"}


def test_too_much_is_refused_at_once_and_later_taken_again() -> None:
    pool, held = Threads("pool", 1, 2), Held()
    pool.submit(held)
    assert held.has_begun.wait(PATIENCE)
    waiting = [pool.submit(lambda: 1) for _ in range(2)]
    with pytest.raises(BusyError, match="too much to do: 2 such requests wait already") as refused:
        pool.submit(lambda: 1)
    assert refused.value.status_code == 503
    held.may_end.set()
    assert [future.result(PATIENCE) for future in waiting] == [1, 1]
    assert pool.submit(lambda: 1).result(PATIENCE) == 1


async def test_what_is_given_up_while_it_waits_is_not_begun() -> None:
    pool, held, done = Threads("pool", 1, 9), Held(), list[int]()
    first = pool.submit(held)
    task = asyncio.create_task(pool.run(lambda: done.append(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    held.may_end.set()
    await asyncio.wrap_future(first)
    await pool.run(lambda: None)
    assert done == []


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_what_would_end_a_process_ends_nothing(error: BaseException) -> None:
    def ends() -> None:
        raise error

    with pytest.raises(RuntimeError, match=type(error).__name__):
        await threads("act").run(ends)


def test_lanes_do_not_wait_for_each_other() -> None:
    found = [threads(name) for name in ("read", "act", "wait", "read")]
    assert len(set(map(id, found))) == 3


def test_a_process_that_ends_waits_for_no_thread() -> None:
    program = "import time; from mlmagic.server.threads import threads; threads('act').submit(lambda: time.sleep(999))"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)
