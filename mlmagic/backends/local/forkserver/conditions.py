"""Which jobs can be forked, and from which server: the interpreter and what decides how TensorFlow is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.source.cold import is_import_time
from mlmagic.spec.job import JobKind, JobRecord

# Arrow, which pandas imports, brings an allocator that starts a thread of its own, and no thread survives a fork.
_ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
_GPU_DEVICES = ("nvidia[0-9]*", "nvidiactl", "dxg", "kfd")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Jobs with the same one can be forked from the same server."""

    python: str
    variables: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, python: str | None, environment: Mapping[str, str]) -> Fingerprint:
        """Return the fingerprint of a job with this interpreter and these variables."""
        # What every program gets that does not say otherwise.
        known = {"TF_CPP_MIN_LOG_LEVEL": "1"} | {
            name: value for name, value in environment.items() if is_import_time(name)
        }
        return cls(python or sys.executable, frozenset(known.items()))

    def environment(self, around: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a server: this one's, but for what decides imports."""
        others = {name: value for name, value in around.items() if not is_import_time(name)}
        return others | _ONE_THREAD | dict(self.variables)


def why_cold(record: JobRecord, environment: Mapping[str, str], *, devices: Path = Path("/dev")) -> str | None:
    """Return why a job cannot be forked from a process that has imported TensorFlow; None if it can."""
    if record.spec.kind is JobKind.TUNING:
        return "a study needs no TensorFlow"
    if record.spec.fresh:
        return "a fresh start was asked for"
    if not record.spec.warm_starts:
        return "warm starts are off"
    if record.spec.package.cold_reason is not None:
        return record.spec.package.cold_reason
    return why_never_warm(environment, devices=devices)


def why_never_warm(environment: Mapping[str, str], *, devices: Path = Path("/dev")) -> str | None:
    """Return why no job with this environment can be forked on this machine; None if one can."""
    if not sys.platform.startswith("linux"):
        return f"forks are not safe on {sys.platform}"
    hides_gpus = environment.get("CUDA_VISIBLE_DEVICES", "all").strip() in {"", "-1"}
    if not hides_gpus and any(any(devices.glob(pattern)) for pattern in _GPU_DEVICES):
        return "a GPU is visible"
    path = environment.get("PYTHONPATH")
    if path and not all(os.path.isabs(entry) for entry in path.split(os.pathsep)):  # noqa: PTH117 - text, not paths
        return "PYTHONPATH has entries that are relative to the working directory"
    if environment.get("PYTHONINSPECT"):
        return "PYTHONINSPECT is set"
    return None
