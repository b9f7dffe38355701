from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.errors import UsageError
from mlmagic.workspace.layout import Workspace

HOSTILE = ["..", ".", "", "/etc", "a/b", "../../etc", "a\0b", "taxi\n", "~", ".hidden", "täxi", "a" * 101]
WORKSPACE = Workspace(Path("/w/.mlmagic"))


def test_names_of_a_job_folder_are_the_designs() -> None:
    folder = WORKSPACE.job("taxi-20260131-123015-0a1b")
    names = [folder.spec, folder.claim(2), folder.log("worker", 3), folder.exit, folder.usage, folder.model_dir]
    names += [folder.tuning_metrics(), folder.tuning_metrics("evaluator", 1)]
    assert [path.relative_to(folder.root).as_posix() for path in names] == [
        "spec.json",
        "attempt-2.claim",
        "logs/worker-3.log",
        "exit.json",
        "usage.jsonl",
        "output/model",
        "output/hypertune/chief-0.metrics",
        "output/hypertune/evaluator-1.metrics",
    ]
    assert folder.workspace == WORKSPACE
    assert folder.id == "taxi-20260131-123015-0a1b"


def test_names_of_a_version_folder_are_the_designs() -> None:
    version = WORKSPACE.version("taxi", 3)
    assert version.root == Path("/w/.mlmagic/models/taxi/3")
    assert [path.name for path in (version.signature, version.statistics, version.origin)] == [
        "signature.json",
        "statistics.json",
        "origin.json",
    ]


def test_names_of_a_dataset_folder_are_the_designs() -> None:
    version = WORKSPACE.dataset_version("taxi", 3)
    assert version.root == Path("/w/.mlmagic/datasets/taxi/3")
    assert [path.name for path in (version.schema, version.statistics, version.origin, version.rejected)] == [
        "schema.json",
        "statistics.json",
        "origin.json",
        "rejected",
    ]
    assert WORKSPACE.dataset("taxi").tombstone(3).name == "3.deleted"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_the_workspace(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        WORKSPACE.model(name)
    with pytest.raises(UsageError, match="cannot be used"):
        WORKSPACE.dataset(name)
    with pytest.raises(UsageError, match="is not a job id"):
        WORKSPACE.job(name)
