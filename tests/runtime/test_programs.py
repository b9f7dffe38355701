"""What each replica is told."""

from __future__ import annotations

from pathlib import Path

from mlmagic.runtime.cluster import CHIEF, replica_ids
from mlmagic.runtime.programs import programs_of
from mlmagic.spec.job import JobKind, JobSpec, PackageReference, Placement
from mlmagic.workspace.layout import Workspace

FOLDER = Workspace(Path("/w/.mlmagic")).job("taxi-20260131-123015-0a1b")
VARIABLE = "CLOUD_ML_HP_METRIC_FILE"


def test_each_replica_reports_to_a_file_of_its_own() -> None:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), trial=3)
    replicas = replica_ids(Placement(replicas={"chief": 1, "worker": 2, "evaluator": 1}))
    programs = programs_of(FOLDER, spec, {}, dict.fromkeys(replicas, 4000))
    files = [Path(program.environment[VARIABLE]) for program in programs.values()]
    assert [path.name for path in files] == [f"{replica.name}.metrics" for replica in replicas]
    assert {path.parent for path in files} == {FOLDER.tuning_metrics_dir}


def test_a_study_is_run_by_mlmagics_own_program() -> None:
    spec = JobSpec(display_name="taxi", kind=JobKind.TUNING, package=PackageReference(digest="d"), args=("--lr=1",))
    (program,) = programs_of(FOLDER, spec, {}, {CHIEF: 4000}).values()
    assert (program.module, program.args) == ("mlmagic.tuning", (str(FOLDER.root),))
    assert "PYTHONPATH" not in program.environment
