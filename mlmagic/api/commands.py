"""A job told in other words: the local command, Vertex AI's worker pools, gcloud."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from mlmagic.source.sdist import sdist_file_name
from mlmagic.spec.job import JobSpec
from mlmagic.spec.space_text import number_text

# The newest of Vertex AI's prebuilt training containers; requirements of the package are installed on top of it.
EXECUTOR_IMAGE = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest"
REGION = "us-central1"


def local_command(spec: JobSpec) -> tuple[str, ...]:
    """Return the words that run the program where the package's files lie."""
    return ("python", "-m", spec.package.module, *spec.args)


def as_configured(spec: JobSpec, google: Mapping[str, str]) -> JobSpec:
    """Return the job with what the user's settings say of all jobs in Google Cloud, by their keys in `config.toml`."""
    options = dataclasses.replace(
        spec.vertex,
        image=spec.vertex.image or google.get("google_image"),
        service_account=spec.vertex.service_account or google.get("google_service_account"),
        network=spec.vertex.network or google.get("google_network"),
    )
    return dataclasses.replace(spec, vertex=options)


def job_document(spec: JobSpec) -> dict[str, Any]:
    """Return the job as Vertex AI's CustomJobSpec, which is the content of gcloud's `--config`."""
    timeout = {} if spec.timeout_seconds is None else {"timeout": f"{number_text(spec.timeout_seconds)}s"}
    strategy = {"strategy": "SPOT"} if spec.vertex.spot else {}
    told = {
        "workerPoolSpecs": worker_pool_specs(spec),
        "scheduling": timeout | strategy or None,
        "serviceAccount": spec.vertex.service_account,
        "network": spec.vertex.network,
        "persistentResourceId": spec.vertex.persistent_resource,
    }
    return {name: value for name, value in told.items() if value is not None}


def has_flags(spec: JobSpec) -> bool:
    """Say whether gcloud has a flag for all that the job asks for; else it takes a file, as `job_document` has it."""
    is_tpu = any(pool.tpu_topology for pool in spec.resources.worker_pools)
    is_timed = spec.timeout_seconds is not None
    return not (spec.vertex.spot or spec.vertex.persistent_resource or is_timed or is_tpu)


def worker_pool_specs(spec: JobSpec) -> list[dict[str, Any]]:
    """Return the worker pools as Vertex AI's CustomJob takes them; BUCKET stands for the user's own."""
    program = _program(spec)
    pools: list[dict[str, Any]] = []
    for pool in spec.resources.worker_pools:
        if not pool.replica_count:
            # The pool's place tells its role, so one that is left out before the last is an empty one.
            pools.append({})
            continue
        machine: dict[str, Any] = {"machineType": pool.machine_type}
        if pool.accelerator_type:
            machine |= {"acceleratorType": pool.accelerator_type, "acceleratorCount": pool.accelerator_count or 1}
        if pool.tpu_topology:
            machine["tpuTopology"] = pool.tpu_topology
        pools.append({"machineSpec": machine, "replicaCount": pool.replica_count, **program})
    return pools


def _program(spec: JobSpec) -> dict[str, Any]:
    """Return what a pool runs: the package in an image of Vertex AI's that takes one, or in any other that has pip."""
    args = {"args": list(spec.args)} if spec.args else {}
    image = _container(spec)
    if image is not None:
        return {"containerSpec": {"imageUri": image, "command": _container_command(spec), **args}}
    program = {"executorImageUri": spec.vertex.image or EXECUTOR_IMAGE, "packageUris": [_package_uri(spec)]}
    return {"pythonPackageSpec": {**program, "pythonModule": spec.package.module, **args}}


def _container(spec: JobSpec) -> str | None:
    """Return the image that the job names, unless it is one of Vertex AI's own that install packages."""
    from mlmagic.backends.google.images import Purpose, known_image

    image = spec.vertex.image
    known = None if image is None else known_image(image)
    return None if known is not None and known.purpose is Purpose.TRAINING else image


def _container_command(spec: JobSpec) -> list[str]:
    from mlmagic.backends.google.names import mounted
    from mlmagic.backends.google.submission import INSTALL_AND_RUN

    return ["bash", "-c", INSTALL_AND_RUN, mounted(_package_uri(spec)), spec.package.module]


def gcloud_command(spec: JobSpec, config: str = "job.yaml") -> tuple[str, ...]:
    """Return the words of the gcloud command that runs the exported package on Vertex AI.

    Where `has_flags` denies it, `config` is the file that has `job_document`.
    """
    words = ["gcloud", "ai", "custom-jobs", "create", f"--region={REGION}", f"--display-name={spec.display_name}"]
    if not has_flags(spec):
        # Unverified: that gcloud takes each of these fields there, as it says that it takes a CustomJobSpec.
        words.append(f"--config={config}")
    else:
        words += _flags(spec)
    if spec.labels:
        words.append(f"--labels={_labels(spec)}")
    return tuple(words)


def _flags(spec: JobSpec) -> list[str]:
    words = []
    container = _container(spec)
    if container is None:
        words.append(f"--python-package-uris={_package_uri(spec)}")
        program = [f"executor-image-uri={spec.vertex.image or EXECUTOR_IMAGE}", f"python-module={spec.package.module}"]
    else:
        words.append(f"--command={gcloud_list(_container_command(spec))}")
        program = [f"container-image-uri={container}"]
    for pool in spec.resources.worker_pools:
        if not pool.replica_count:
            words.append("--worker-pool-spec=")
            continue
        fields = [f"machine-type={pool.machine_type}", f"replica-count={pool.replica_count}"]
        if pool.accelerator_type:
            fields += [f"accelerator-type={pool.accelerator_type}", f"accelerator-count={pool.accelerator_count or 1}"]
        words.append(f"--worker-pool-spec={','.join([*fields, *program])}")
    if spec.args:
        words.append(f"--args={gcloud_list(spec.args)}")
    options = {"service-account": spec.vertex.service_account, "network": spec.vertex.network}
    return [*words, *(f"--{name}={value}" for name, value in options.items() if value is not None)]


def gcloud_study_command(spec: JobSpec, config: str = "study.yaml") -> tuple[str, ...]:
    """Return the words of the gcloud command that runs a study on Vertex AI; `config` is the file that describes it."""
    words = ["gcloud", "ai", "hp-tuning-jobs", "create", f"--region={REGION}", f"--display-name={spec.display_name}"]
    if spec.study is not None:
        words += [f"--max-trial-count={spec.study.trials}", f"--parallel-trial-count={spec.study.parallel}"]
    words.append(f"--config={config}")
    if spec.labels:
        words.append(f"--labels={_labels(spec)}")
    return tuple(words)


def _labels(spec: JobSpec) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(spec.labels.items()))


def _package_uri(spec: JobSpec) -> str:
    return f"gs://BUCKET/{sdist_file_name(spec.display_name)}"


def gcloud_list(words: Sequence[str]) -> str:
    """Return a list flag's value; words that hold commas need another delimiter (`gcloud topic escaping`)."""
    if not any("," in word for word in words) and not words[0].startswith("^"):
        return ",".join(words)
    delimiter = next(mark for mark in ":|;#~@!%&" if not any(mark in word for word in words))
    return f"^{delimiter}^{delimiter.join(words)}"
