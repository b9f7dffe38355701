"""A CustomJobSpec as the engine's work: worker pools are roles, and each replica's program is a container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmagic.backends.google.images import known_image
from mlmagic.emulator.container.task import ContainerJob, ContainerTask
from mlmagic.emulator.engine import Work
from mlmagic.emulator.jobs.resources import engine_name, job_number
from mlmagic.spec.resources import WorkerPool
from mlmagic.spec.study import StudySpec

Document = Mapping[str, Any]

DEFAULT_TIMEOUT_SECONDS = 7 * 24 * 3600.0
"""How long a job may run where nobody says, as the client library documents it."""


def work_of(
    document: Document, spec: Document, *, root: Path, start_delay_seconds: float, study: StudySpec | None = None
) -> Work:
    """Return what the engine is to run for a resource; `spec` is its job's or, of a study, its trials'."""
    _, project, _, location, *_ = document["name"].split("/")
    return Work(
        name=engine_name(document),
        containers=containers(
            spec,
            job_id=job_number(document),
            project=project,
            location=location,
            root=root,
            start_delay_seconds=start_delay_seconds,
        ),
        pools=worker_pools(spec),
        timeout_seconds=timeout_seconds(spec) + start_delay_seconds,
        study=study,
    )


def containers(
    spec: Document, *, job_id: str, project: str, location: str, root: Path, start_delay_seconds: float = 0.0
) -> ContainerJob:
    """Return what the replicas of a job are to run."""
    pools = enumerate(spec["worker_pool_specs"])
    return ContainerJob(
        job_id=job_id,
        project=project,
        location=location,
        root=str(root),
        tasks={f"workerpool{number}": _task(pool) for number, pool in pools if pool},
        output_uri=spec.get("base_output_directory", {}).get("output_uri_prefix"),
        tensorboard=spec.get("tensorboard") or None,
        start_delay_seconds=start_delay_seconds,
        restarts_when_preempted=not spec.get("scheduling", {}).get("disable_retries", False),
    )


def worker_pools(spec: Document) -> tuple[WorkerPool, ...]:
    """Return the job's worker pools; an empty one has no replicas."""
    return tuple(_pool(pool) for pool in spec["worker_pool_specs"])


def timeout_seconds(spec: Document) -> float:
    """Return how long the job may run."""
    timeout = spec.get("scheduling", {}).get("timeout")
    return float(timeout.removesuffix("s")) if timeout else DEFAULT_TIMEOUT_SECONDS


def _pool(pool: Document) -> WorkerPool:
    machine = pool.get("machine_spec", {})
    count = int(machine.get("accelerator_count", 0))
    return WorkerPool(
        machine_type=machine.get("machine_type", ""),
        replica_count=int(pool.get("replica_count", 0)),
        accelerator_type=machine.get("accelerator_type"),
        accelerator_count=count or None,
        tpu_topology=machine.get("tpu_topology"),
    )


def _task(pool: Document) -> ContainerTask:
    is_package = "python_package_spec" in pool
    task = pool["python_package_spec" if is_package else "container_spec"]
    uri = task["executor_image_uri" if is_package else "image_uri"]
    image = known_image(uri)
    return ContainerTask(
        image_uri=uri,
        python=None if image is None else image.python,
        distributions={} if image is None else image.distributions,
        is_known=image is not None,
        command=tuple(task.get("command", ())),
        args=tuple(task.get("args", ())),
        environment={variable["name"]: variable.get("value", "") for variable in task.get("env", ())},
        package_uris=tuple(task.get("package_uris", ())),
        python_module=task.get("python_module"),
    )
