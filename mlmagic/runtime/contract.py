"""The environment that a program runs in: the names and shapes of Vertex AI's custom training, on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

JOB_ID_VARIABLE = "CLOUD_ML_JOB_ID"
"""Also the mark by which whatever a job started is found again."""

_CONTRACT = frozenset(
    {
        "AIP_MODEL_DIR",
        "AIP_CHECKPOINT_DIR",
        "AIP_TENSORBOARD_LOG_DIR",
        "CLUSTER_SPEC",
        "TF_CONFIG",
        JOB_ID_VARIABLE,
        "CLOUD_ML_HP_METRIC_FILE",
        "CLOUD_ML_TRIAL_ID",
    }
)

_KERNEL_ONLY = frozenset(
    {
        # Triples the time of importing TensorFlow, which then compiles its thousands of modules each time.
        "PYTHONDONTWRITEBYTECODE",
        # ipykernel asks for colours, which a log file is no place for.
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "PYDEVD_USE_FRAME_EVAL",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramPlace:
    """Where a program finds its code and leaves its results."""

    job_id: str
    package_dir: Path | None
    """None for a program of mlmagic's own, which a package must not bring modules to."""
    model_dir: Path
    checkpoint_dir: Path
    tensorboard_dir: Path
    metric_file: Path
    trial: int | None = None


def program_environment(place: ProgramPlace, environ: Mapping[str, str], cluster: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a replica; `cluster` has its CLUSTER_SPEC and TF_CONFIG."""
    environment = outer_environment(environ)
    environment |= {
        "AIP_MODEL_DIR": f"{place.model_dir}/",
        "AIP_CHECKPOINT_DIR": f"{place.checkpoint_dir}/",
        "AIP_TENSORBOARD_LOG_DIR": f"{place.tensorboard_dir}/",
        JOB_ID_VARIABLE: place.job_id,
        "CLOUD_ML_HP_METRIC_FILE": str(place.metric_file),
        **cluster,
    }
    if place.package_dir is not None:
        path = [str(place.package_dir), environ.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if place.trial is not None:
        environment["CLOUD_ML_TRIAL_ID"] = str(place.trial)
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    return environment


def outer_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without what belongs to a kernel alone, or to a job that the kernel itself may run in."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _CONTRACT and name not in _KERNEL_ONLY and not _is_kernels(name, value)
    }


def _is_kernels(name: str, value: str) -> bool:
    # JPY_* holds the server's token; the inline plotting backend exists only under IPython.
    return name.startswith("JPY_") or (name == "MPLBACKEND" and value.startswith("module://"))
