"""A job's spec → Vertex AI's CustomJob, as the message of its API in snake_case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlmagic.backends.google.images import Purpose, known_image
from mlmagic.backends.google.machines import ACCELERATORS, ENDED_ACCELERATORS
from mlmagic.backends.google.names import job_labels, mounted, output_directory
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.backends.google.study_spec import study_problems, study_spec
from mlmagic.errors import UsageError, nearest
from mlmagic.runtime.tuned import hypertune_lines
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.package import TrainerPackage
from mlmagic.spec.resources import WorkerPool
from mlmagic.spec.study import StudySpec

_INSTALL = "python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore"
INSTALL_AND_RUN = f'{_INSTALL} "$0" && exec python -m "$1" "${{@:2}}"'
"""What a container runs; package and module follow it as words of their own, so nothing of them is ever shell."""
INSTALL_WITH_DATA = f'{_INSTALL} "$0" "$1" && exec python -m "$2" "${{@:3}}"'
"""The same with a package of data behind the first one."""

_DISK = {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": 100}

_REPORTING = ("hypertune", "CLOUD_ML_HP_METRIC_FILE")
"""What a program has in it that reports to a study, by the package or by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt of a job, ready to be sent."""

    job_id: str
    number: int
    workspace: str
    """Its label."""
    image: str
    package_uri: str
    data_uri: str | None = None
    """Of the package with large data, where there is some."""
    args: tuple[str, ...] | None = None
    """The program's, where they are not those of the spec: a dataset is elsewhere in the cloud."""

    @property
    def package_uris(self) -> tuple[str, ...]:
        """What is installed."""
        return (self.package_uri,) if self.data_uri is None else (self.package_uri, self.data_uri)

    def words(self, spec: JobSpec) -> list[str]:
        """Return the program's arguments."""
        return list(spec.args if self.args is None else self.args)


def custom_job(spec: JobSpec, attempt: Attempt, settings: GoogleSettings) -> dict[str, Any]:
    """Return the CustomJob of an attempt. Empty pools before the last stay: a pool's place tells its role."""
    spec_of_job: dict[str, Any] = {
        "worker_pool_specs": [_pool(pool, spec, attempt) for pool in spec.resources.worker_pools],
        "scheduling": _scheduling(spec, settings),
        "base_output_directory": {"output_uri_prefix": output_directory(settings.bucket, attempt.job_id)},
    }
    wanted = {
        "service_account": spec.vertex.service_account or settings.service_account,
        "network": spec.vertex.network or settings.network,
        "persistent_resource_id": spec.vertex.persistent_resource,
    }
    spec_of_job |= {field: value for field, value in wanted.items() if value is not None}
    return {
        # Every id is short enough, and tells in Google's console which job of ours it is.
        "display_name": attempt.job_id,
        "job_spec": spec_of_job,
        "labels": job_labels(attempt.job_id, attempt.number, attempt.workspace, dict(spec.labels)),
    }


def tuning_job(spec: JobSpec, study: StudySpec, attempt: Attempt, settings: GoogleSettings) -> dict[str, Any]:
    """Return the HyperparameterTuningJob of a study; a trial of it is as a CustomJob of the same spec would be."""
    trial = custom_job(spec, attempt, settings)
    return {
        "display_name": trial["display_name"],
        "study_spec": study_spec(study),
        "max_trial_count": study.trials,
        "parallel_trial_count": min(study.parallel, study.trials),
        "max_failed_trial_count": study.max_failed,
        "trial_job_spec": trial["job_spec"],
        "labels": trial["labels"],
    }


def check_submission(spec: JobSpec) -> None:
    """See that a job is one that Vertex AI's custom training can be asked for.

    Raises:
        UsageError: it is not; all reasons are listed.
    """
    problems = [problem for pool in spec.resources.worker_pools for problem in _pool_problems(pool)]
    if spec.resources.worker_pools[0].replica_count != 1:
        problems.append(f"there is one chief, not {spec.resources.worker_pools[0].replica_count}")
    if spec.study is not None:
        problems += study_problems(spec.study)
        if spec.max_retries:
            problems.append(f"no trial of a study is tried again there: leave out --max-retries {spec.max_retries}")
    if spec.kind is JobKind.BATCH_PREDICTION and "--engine" in spec.args:
        problems.append("--engine chooses what computes on this machine: leave it out")
    if spec.kind is JobKind.PREPROCESSING and not {"--output", "--runner"} & set(spec.args):
        problems.append("preprocessing here runs on Dataflow, with --runner dataflow, or writes to the cloud by itself")
    if problems:
        raise UsageError(f"job {spec.display_name!r} cannot run on Vertex AI:", problems=list(dict.fromkeys(problems)))


def check_reporting(spec: JobSpec, package: TrainerPackage) -> None:
    """See that a study's program may report its metric in the one way that Vertex AI knows of.

    Raises:
        UsageError: nothing in the package does; says which lines to add.
    """
    if spec.study is None:
        return
    texts = [*package.requirements, *(data.decode("utf-8", "replace") for data in package.files.values())]
    if not any(word in text for text in texts for word in _REPORTING):
        raise UsageError(
            f"study {spec.display_name!r} would find nothing: its program reports {spec.study.metric} to nobody, and "
            "TensorBoard's scalars are read on this machine alone.",
            hint="\n".join(hypertune_lines(spec.study.metric)),
        )


def _pool_problems(pool: WorkerPool) -> list[str]:
    kind = pool.accelerator_type
    if kind is None:
        return []
    if kind not in ACCELERATORS:
        return [f"there is no accelerator {kind}. {nearest(kind, ACCELERATORS)}".rstrip()]
    return [f"the accelerator {kind} is no longer supported"] if kind in ENDED_ACCELERATORS else []


def _pool(pool: WorkerPool, spec: JobSpec, attempt: Attempt) -> dict[str, Any]:
    if not pool.replica_count:
        return {}
    machine: dict[str, Any] = {"machine_type": pool.machine_type}
    if pool.accelerator_type:
        machine |= {"accelerator_type": pool.accelerator_type, "accelerator_count": pool.accelerator_count or 1}
    if pool.tpu_topology:
        machine["tpu_topology"] = pool.tpu_topology
    return {
        "machine_spec": machine,
        "replica_count": pool.replica_count,
        "disk_spec": dict(_DISK),
        **_program(spec, attempt),
    }


def _program(spec: JobSpec, attempt: Attempt) -> dict[str, Any]:
    image = known_image(attempt.image)
    if image is not None and image.purpose is Purpose.TRAINING:
        return {
            "python_package_spec": {
                "executor_image_uri": attempt.image,
                "package_uris": list(attempt.package_uris),
                "python_module": spec.package.module,
                "args": attempt.words(spec),
            }
        }
    return {
        "container_spec": {
            "image_uri": attempt.image,
            "command": [
                *("bash", "-c", INSTALL_AND_RUN if attempt.data_uri is None else INSTALL_WITH_DATA),
                *(mounted(uri) for uri in attempt.package_uris),
                spec.package.module,
            ],
            "args": attempt.words(spec),
        }
    }


def _scheduling(spec: JobSpec, settings: GoogleSettings) -> Mapping[str, Any]:
    # What is tried again is decided here, and counted as attempts.
    is_spot = spec.vertex.spot or settings.spot
    scheduling: dict[str, Any] = {"disable_retries": True, "strategy": "SPOT" if is_spot else "STANDARD"}
    if spec.timeout_seconds is not None:
        part, whole = math.modf(spec.timeout_seconds)
        scheduling["timeout"] = {"seconds": int(whole), "nanos": round(part * 1e9)}
    return scheduling
