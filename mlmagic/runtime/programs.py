"""What the replicas of an attempt run: the package's program, or of a study mlmagic's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlmagic.runtime.cluster import CHIEF, ReplicaId, cluster_variables
from mlmagic.runtime.contract import ProgramPlace, program_environment
from mlmagic.runtime.program import ReplicaProgram
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.workspace.layout import JobFolder

STUDY_MODULE = "mlmagic.tuning"
"""Takes the job's folder as its one argument."""


def programs_of(
    folder: JobFolder, spec: JobSpec, environment: Mapping[str, str], ports: Mapping[ReplicaId, int]
) -> dict[ReplicaId, ReplicaProgram]:
    """Return the program of each replica; `ports` has all of them, `environment` is what the job was submitted with."""
    if spec.kind is JobKind.TUNING:
        return {CHIEF: _study_program(folder, spec, environment, ports)}
    return {
        replica: ReplicaProgram(
            python=spec.python,
            module=spec.package.module,
            args=spec.args,
            environment=program_environment(
                _place(folder, replica, package_dir=folder.package, trial=spec.trial),
                environment,
                cluster_variables(replica, ports, trial=spec.trial),
            ),
            cwd=Path(spec.working_directory or folder.root),
            log=folder.log(replica.role, replica.index),
            package_dir=folder.package,
        )
        for replica in ports
    }


def _study_program(
    folder: JobFolder, spec: JobSpec, environment: Mapping[str, str], ports: Mapping[ReplicaId, int]
) -> ReplicaProgram:
    # Package and arguments are the trials'.
    place = _place(folder, CHIEF, package_dir=None, trial=None)
    return ReplicaProgram(
        python=spec.python,
        module=STUDY_MODULE,
        args=(str(folder.root),),
        environment=program_environment(place, environment, cluster_variables(CHIEF, ports)),
        cwd=folder.root,
        log=folder.log(),
        package_dir=folder.package,
    )


def _place(folder: JobFolder, replica: ReplicaId, *, package_dir: Path | None, trial: int | None) -> ProgramPlace:
    return ProgramPlace(
        job_id=folder.id,
        package_dir=package_dir,
        model_dir=folder.model_dir,
        checkpoint_dir=folder.checkpoint_dir,
        tensorboard_dir=folder.tensorboard_dir,
        metric_file=folder.tuning_metrics(replica.role, replica.index),
        trial=trial,
    )
