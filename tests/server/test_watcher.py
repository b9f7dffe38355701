from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from mlmagic.server.threads import BusyError
from mlmagic.server.watcher import MOST_CHARACTERS, MOST_WAITING, Listener, Watcher
from mlmagic.server.watcher_messages import LAGGING, Message

PATIENCE = 60.0


class Looked:
    """A workspace in which happens what a test says."""

    def __init__(self) -> None:
        self.last_event = 7
        self.next: list[Message] = []
        self.begun = self.closed = self.looks = 0
        self.threads: set[int] = set()
        self.errors: list[Exception] = []

    def begin(self) -> None:
        self.begun += 1

    def look(self) -> list[Message]:
        self.looks += 1
        self.threads.add(threading.get_ident())
        if self.errors:
            raise self.errors.pop()
        found, self.next = self.next, []
        return found

    def since(self, event_id: int) -> list[Message]:
        return [Message(event="job", id=event_id)]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def looked() -> Looked:
    return Looked()


@pytest.fixture
def watcher(looked: Looked) -> Watcher:
    return Watcher(looked)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it is another thread that makes it true
            await asyncio.sleep(0.01)


def job(number: int, **fields: object) -> Message:
    return Message(event="job", data=str(number), **fields)  # type: ignore[arg-type]


async def test_nothing_is_looked_at_while_nobody_listens(looked: Looked, watcher: Watcher) -> None:
    assert not watcher.is_looking
    first, second = await watcher.listen(), await watcher.listen()
    watcher.leave(first)
    assert watcher.is_looking
    watcher.leave(second)
    assert not watcher.is_looking
    await until(lambda: looked.closed)
    looks = looked.looks
    await asyncio.sleep(0.3)
    assert looked.looks == looks


async def test_all_who_listen_are_told_the_same_by_one_who_looks(looked: Looked, watcher: Watcher) -> None:
    listeners = [await watcher.listen() for _ in range(5)]
    looked.next = [job(1), job(2)]
    for listener in listeners:
        assert [message.data for message in await listener.take(PATIENCE)] == ["1", "2"]
        watcher.leave(listener)
    assert (looked.begun, len(looked.threads)) == (1, 1)


async def test_who_listens_knows_where_it_began(watcher: Watcher) -> None:
    listener = await watcher.listen()
    assert watcher.last_event == 7
    assert watcher.since(3) == [Message(event="job", id=3)]
    watcher.leave(listener)


async def test_who_leaves_and_comes_back_begins_anew(looked: Looked, watcher: Watcher) -> None:
    for times in range(1, 4):
        listener = await watcher.listen()
        assert looked.begun == times
        watcher.leave(listener)
        watcher.leave(listener)
    await until(lambda: looked.closed == 3)


async def test_a_mistake_is_logged_and_ends_nothing(
    looked: Looked, watcher: Watcher, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlmagic.server.watcher._PAUSE_SECONDS", 0.01)
    listener = await watcher.listen()
    looked.errors, looked.next = [ValueError("oh no")] * 3, [job(1)]
    # What it would have told is not known.
    assert await listener.take(PATIENCE) == [LAGGING, job(1)]
    assert caplog.text.count("the workspace could not be looked at") == 1
    watcher.leave(listener)


async def test_a_mistake_at_the_beginning_ends_nothing(looked: Looked, watcher: Watcher) -> None:
    def fails() -> None:
        raise ValueError("oh no")

    looked.begin = fails  # type: ignore[method-assign]
    listener = await watcher.listen()
    looked.next = [job(1)]
    assert await listener.take(PATIENCE) == [LAGGING, job(1)]
    watcher.leave(listener)


async def test_no_more_listen_than_a_server_can_tell(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.server.watcher.MOST_LISTENERS", 2)
    listeners = [await watcher.listen() for _ in range(2)]
    with pytest.raises(BusyError, match="2 such requests"):
        await watcher.listen()
    watcher.leave(listeners[0])
    for listener in (await watcher.listen(), listeners[1]):
        watcher.leave(listener)


async def test_listening_that_is_given_up_leaves_nobody(looked: Looked, watcher: Watcher) -> None:
    may_begin = threading.Event()
    looked.begin = lambda: bool(may_begin.wait(PATIENCE))  # type: ignore[method-assign, assignment, return-value]
    task = asyncio.create_task(watcher.listen())
    await until(lambda: watcher.is_looking)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not watcher.is_looking
    may_begin.set()
    await until(lambda: looked.closed)


async def test_nothing_comes_in_time() -> None:
    assert await Listener().take(0.01) == []


async def test_of_what_moves_only_the_latest_waits() -> None:
    listener = Listener()
    for number in range(5):
        listener.put(job(number, replaces="a"))
    listener.put(job(9))
    listener.put(job(5, replaces="a"))
    assert [message.data for message in await listener.take(PATIENCE)] == ["9", "5"]


async def test_who_is_too_slow_is_told_so_once_and_then_what_comes() -> None:
    listener = Listener()
    for number in range(MOST_WAITING + 1):
        listener.put(job(number))
    listener.put(job(-1))
    assert [message.event for message in await listener.take(PATIENCE)] == ["lagging", "job"]
    listener.put(job(1))
    assert [message.data for message in await listener.take(PATIENCE)] == ["1"]


async def test_who_is_too_slow_for_what_is_long_is_told_so() -> None:
    listener = Listener()
    for number in range(30):
        listener.put(Message(event="job", data="x" * (MOST_CHARACTERS // 10), replaces=f"job-{number % 10}"))
    assert [message.event for message in await listener.take(PATIENCE)] == ["job"] * 10
    for number in range(11):
        listener.put(Message(event="job", data="x" * (MOST_CHARACTERS // 10), replaces=f"job-{number}"))
    assert await listener.take(PATIENCE) == [LAGGING]


async def test_a_wake_ends_the_waiting() -> None:
    listener = Listener()
    asyncio.get_running_loop().call_soon(listener.wake)
    assert await listener.take(PATIENCE) == []
