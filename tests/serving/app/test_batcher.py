"""Requests wait only while the model is busy, and go together then."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mlmagic.serving.app.batcher import Answer, Batcher
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.pace import Pace
from mlmagic.serving.app.request import Method, Request
from mlmagic.serving.app.validator import Validator
from mlmagic.spec.model import Signature

LOOP = Pace(quick_seconds=1000.0)
THREAD = Pace(quick_seconds=0.0)


def request(name: str = "f", count: int = 1, *, merges: bool = True) -> Request:
    method = Method(
        name=name,
        tensorflow_method="",
        validator=Validator(Signature()),
        merges=merges,
        rows_per_call=None,
        has_shapes=False,
        handed_on=frozenset(),
    )
    return Request(method, count, list)


class Model:
    """Notes who was asked together; `gate` holds it up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.threads: set[int] = set()
        self.executor = ThreadPoolExecutor(1)

    def compute(self, requests: Sequence[Request]) -> list[Answer]:
        assert self.gate.wait(30)
        self.threads.add(threading.get_ident())
        self.batches.append([request.count for request in requests])
        return [{"count": request.count} for request in requests]

    def batcher(self, pace: Pace, **changes: Any) -> Batcher:
        # A first call tells the pace of none: that of the sizes used here is known.
        for count in range(1, 13):
            pace.note("f", 2**count - 1, 0.0)
            pace.note("f", 2**count - 1, 0.0)
        options = {"most": 100, "timeout_seconds": 30.0, "label": "m@1"} | changes
        return Batcher(self.compute, self.executor, pace=pace, **options)  # type: ignore[arg-type]


@pytest.fixture
def model() -> Model:
    return Model()


def test_requests_of_one_turn_go_together(model: Model) -> None:
    async def main() -> list[Any]:
        batcher = model.batcher(LOOP)
        return await asyncio.gather(*[batcher.ask(request(count=count)) for count in (1, 2, 3)])

    assert asyncio.run(main()) == [{"count": 1}, {"count": 2}, {"count": 3}]
    assert model.batches == [[1, 2, 3]]
    assert model.threads == {threading.get_ident()}


def test_what_comes_while_a_slow_model_is_busy_goes_together_next(model: Model) -> None:
    async def main() -> None:
        model.gate.clear()
        batcher = model.batcher(THREAD)
        first = batcher.ask(request(count=1))
        await asyncio.sleep(0)
        later = [batcher.ask(request(count=count)) for count in (2, 3)]
        model.gate.set()
        await asyncio.gather(first, *later)

    asyncio.run(main())
    assert model.batches == [[1], [2, 3]]
    assert threading.get_ident() not in model.threads


def test_a_batch_is_of_one_group_and_of_bounded_size(model: Model) -> None:
    async def main() -> None:
        batcher = model.batcher(LOOP)
        counts = [1000, 20, 30, 5000, 4]
        others = [batcher.ask(request("g", 7)), batcher.ask(request("h", 8, merges=False))]
        await asyncio.gather(*[batcher.ask(request(count=count)) for count in counts], *others)

    asyncio.run(main())
    assert model.batches == [[7], [8], [1000, 20, 4], [30], [5000]]


def test_nobody_is_asked_for_a_client_that_left(model: Model) -> None:
    async def main() -> Any:
        batcher = model.batcher(LOOP)
        left, stayed = batcher.ask(request(count=1)), batcher.ask(request(count=2))
        left.cancel()
        return await stayed

    assert asyncio.run(main()) == {"count": 2}
    assert model.batches == [[2]]


def test_a_client_that_leaves_while_it_is_answered_harms_no_other(model: Model) -> None:
    async def main() -> Any:
        model.gate.clear()
        batcher = model.batcher(THREAD)
        left, stayed = batcher.ask(request(count=1)), batcher.ask(request(count=2))
        await asyncio.sleep(0)
        left.cancel()
        model.gate.set()
        return await stayed

    assert asyncio.run(main()) == {"count": 2}


def test_a_full_queue_refuses(model: Model) -> None:
    async def main() -> None:
        batcher = model.batcher(LOOP, most=2)
        waiting = [batcher.ask(request()), batcher.ask(request())]
        with pytest.raises(RequestFailed, match="m@1 has 2 requests waiting, which is the most") as caught:
            batcher.ask(request())
        assert (caught.value.status, caught.value.retry_after) == (429, 1.0)
        await asyncio.gather(*waiting)
        await batcher.ask(request())

    asyncio.run(main())


def test_nobody_waits_longer_than_was_promised(model: Model) -> None:
    async def main() -> None:
        model.gate.clear()
        batcher = model.batcher(THREAD, timeout_seconds=0.05)
        both = [batcher.ask(request()), batcher.ask(request("g"))]
        for asked in both:
            with pytest.raises(RequestFailed, match=r"^m@1 gave no answer within 0.05 s.$") as caught:
                await asked
            assert (caught.value.status, caught.value.retry_after) == (503, 1.0)
        model.gate.set()
        await batcher.drain()

    asyncio.run(main())
    assert model.batches == [[1]]


def test_drained_means_that_all_were_answered(model: Model) -> None:
    async def main() -> None:
        batcher = model.batcher(THREAD)
        asked = [batcher.ask(request()) for _ in range(3)]
        assert len(batcher) == 3
        await batcher.drain()
        assert all(future.done() for future in asked)
        await batcher.drain()

    asyncio.run(main())


def test_a_pace_is_learnt_for_each_size() -> None:
    pace = Pace()
    assert not pace.is_quick("f", 1)
    for _ in range(3):
        pace.note("f", 1, 0.0001)
        pace.note("f", 64, 0.1)
    assert (pace.is_quick("f", 1), pace.is_quick("f", 64), pace.is_quick("g", 1)) == (True, False, False)


def test_one_slow_call_does_not_change_a_pace_and_several_do() -> None:
    pace = Pace()
    for _ in range(30):
        pace.note("f", 1, 0.0005)
    pace.note("f", 1, 5.0)
    assert pace.is_quick("f", 1)
    for _ in range(20):
        pace.note("f", 1, 0.002)
    assert not pace.is_quick("f", 1)
