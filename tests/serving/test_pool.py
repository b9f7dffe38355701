"""Which processes stay warm."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlmagic.serving.pool import PredictorPool
from mlmagic.serving.predictor import Predictor


def lease(pool: PredictorPool, name: str) -> Predictor:
    with pool.lease(name, Path(name)) as predictor:
        return predictor


def test_the_least_recently_used_goes_first() -> None:
    pool = PredictorPool(limit=2)
    first, second = lease(pool, "a"), lease(pool, "b")
    assert lease(pool, "a") is first
    lease(pool, "c")
    assert lease(pool, "a") is first
    assert lease(pool, "b") is not second


def test_another_model_in_the_same_folder_gets_a_process_of_its_own() -> None:
    pool = PredictorPool()
    made = datetime(2026, 1, 31, tzinfo=UTC)
    with pool.lease("a", Path("a"), made=made) as before, pool.lease("a", Path("a"), made=made) as same:
        assert before is same
    with pool.lease("a", Path("a"), made=made + timedelta(seconds=1)) as after:
        assert after is not before


def test_what_is_in_use_stays_beyond_the_limit() -> None:
    pool = PredictorPool(limit=1)
    with pool.lease("a", Path("a")) as first:
        lease(pool, "b")
        assert lease(pool, "a") is first
    assert lease(pool, "a") is first


def test_a_forked_child_leaves_the_processes_of_its_parent_alone(monkeypatch) -> None:
    pool = PredictorPool()
    first = lease(pool, "a")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    pool.close()
    monkeypatch.undo()
    assert lease(pool, "a") is first
    pool.close()
    assert lease(pool, "a") is not first
