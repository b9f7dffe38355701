"""Which processes stay warm."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlmagic.serving.pool import PredictorPool
from mlmagic.serving.predictor import Predictor
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.layout import Workspace

MADE = datetime(2026, 1, 31, tzinfo=UTC)


def version_of(name: str, made: datetime = MADE) -> ModelVersion:
    return ModelVersion(model=name, number=1, create_time=made)


def lease(pool: PredictorPool, name: str) -> Predictor:
    with pool.lease(version_of(name), Path(name)) as predictor:
        return predictor


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".mlmagic")


def test_the_least_recently_used_goes_first(workspace: Workspace) -> None:
    pool = PredictorPool(workspace, limit=2)
    first, second = lease(pool, "a"), lease(pool, "b")
    assert lease(pool, "a") is first
    lease(pool, "c")
    assert lease(pool, "a") is first
    assert lease(pool, "b") is not second


def test_another_model_in_the_same_folder_gets_a_process_of_its_own(workspace: Workspace) -> None:
    pool = PredictorPool(workspace)
    with pool.lease(version_of("a"), Path("a")) as before, pool.lease(version_of("a"), Path("a")) as same:
        assert before is same
    with pool.lease(version_of("a", MADE + timedelta(seconds=1)), Path("a")) as after:
        assert after is not before


def test_what_is_in_use_stays_beyond_the_limit(workspace: Workspace) -> None:
    pool = PredictorPool(workspace, limit=1)
    with pool.lease(version_of("a"), Path("a")) as first:
        lease(pool, "b")
        assert lease(pool, "a") is first
    assert lease(pool, "a") is first


def test_a_forked_child_leaves_the_processes_of_its_parent_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = PredictorPool(workspace)
    first = lease(pool, "a")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    pool.close()
    monkeypatch.undo()
    assert lease(pool, "a") is first
    pool.close()
    assert lease(pool, "a") is not first
