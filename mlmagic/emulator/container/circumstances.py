"""The environment of a program in a container: what Vertex AI sets, and nothing of this machine's but what it needs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.emulator.container.paths import local_path, with_local_paths
from mlmagic.emulator.container.task import ContainerJob, ContainerTask

_KEPT = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "MLMAGIC_TEST_RUN")
"""What a container has of the outside; the last is how a run of tests finds its processes."""
_REFERENCE = re.compile(r"\$\$|\$\((?P<name>[^()$]+)\)")
_FROM_ENGINE = ("CLUSTER_SPEC", "TF_CONFIG", "CLOUD_ML_HP_METRIC_FILE", "CLOUD_ML_TRIAL_ID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """A container's own folders on this machine."""

    home: Path

    @property
    def shims(self) -> Path:
        """What comes first on the program's PATH."""
        return self.home / "bin"

    @property
    def site(self) -> Path:
        """What pip installs into."""
        return self.home / "site"

    @property
    def image(self) -> Path:
        """What tells its Python what the image has."""
        return self.home / "image"

    @property
    def work(self) -> Path:
        """Where the program starts."""
        return self.home / "work"


def pool_of(environ: Mapping[str, str]) -> str:
    """Return the worker pool of this replica, `workerpool1`."""
    return str(json.loads(environ["CLUSTER_SPEC"])["task"]["type"])


def task_name(environ: Mapping[str, str]) -> str:
    """Return what Vertex AI calls this replica: `workerpool1-0`."""
    return f"{pool_of(environ)}-{json.loads(environ['CLUSTER_SPEC'])['task']['index']}"


def output_folders(job: ContainerJob, trial: str | None) -> dict[str, Path]:
    """Return the folders that the AIP_ variables name: none without a base output directory."""
    if job.output_uri is None:
        return {}
    base = local_path(job.output_uri, job.buckets)
    base = base / trial if trial else base
    return {
        "AIP_MODEL_DIR": base / "model",
        "AIP_CHECKPOINT_DIR": base / "checkpoints",
        "AIP_TENSORBOARD_LOG_DIR": base / "logs",
    }


def program_environment(
    job: ContainerJob, task: ContainerTask, folders: Folders, *, buckets: str, clients: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the program. `clients` leads Google's client libraries to the emulator."""
    outer = os.environ
    environment = {name: outer[name] for name in (*_KEPT, *_FROM_ENGINE) if name in outer}
    environment |= clients
    environment |= {name: f"{path}/" for name, path in output_folders(job, outer.get("CLOUD_ML_TRIAL_ID")).items()}
    environment |= {
        "CLOUD_ML_JOB_ID": job.job_id,
        "CLOUD_ML_PROJECT_ID": job.project,
        "CLOUD_ML_REGION": job.location,
        "PATH": os.pathsep.join([str(folders.shims), outer.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([str(folders.image), str(folders.site)]),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": outer.get("TF_CPP_MIN_LOG_LEVEL", "1"),
        # A pip that is called past the shim shall not change this machine's own environment.
        "PIP_NO_INDEX": "1",
        "PIP_TARGET": str(folders.site),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    if job.tensorboard is not None:
        environment["AIP_TENSORBOARD_RESOURCE_NAME"] = job.tensorboard
    for name, value in task.environment.items():
        environment[name] = with_local_paths(expanded(value, environment), buckets)
    return environment


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Return the value of a variable with `$(NAME)` replaced, as the client library documents EnvVar.

    What is not there stays as it is, and `$$` is a `$` that begins nothing.
    """

    def one(match: re.Match[str]) -> str:
        return "$" if match["name"] is None else environment.get(match["name"], match[0])

    return _REFERENCE.sub(one, text)
