"""The metrics of training jobs, as time series of what the engine has measured.

Utilization is told as a fraction of the machine that was asked for, whatever machine it ran on here. The names of
resource and labels are unverified but for job_id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mlmagic.backends.google.machines import MACHINES, MachineType
from mlmagic.emulator.engine import POOLS
from mlmagic.emulator.jobs.runs import Run
from mlmagic.emulator.jobs.states import rfc3339
from mlmagic.spec.job import ReplicaRole
from mlmagic.spec.usage import Usage, UsageSample

_PREFIX = "ml.googleapis.com/training/"


def _cpu(sample: UsageSample, machine: MachineType | None) -> float | None:
    return None if machine is None else sample.cores / machine.cores


def _memory(sample: UsageSample, machine: MachineType | None) -> float | None:
    return None if machine is None else sample.memory_bytes / machine.memory_bytes


def _accelerator(sample: UsageSample, _machine: MachineType | None) -> float | None:
    return None if sample.gpu_percent is None else sample.gpu_percent / 100


METRICS: Mapping[str, Callable[[UsageSample, MachineType | None], float | None]] = MappingProxyType(
    {
        f"{_PREFIX}cpu/utilization": _cpu,
        f"{_PREFIX}memory/utilization": _memory,
        f"{_PREFIX}accelerator/utilization": _accelerator,
    }
)
"""Metric → its value, a fraction; None where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From one moment to another, both in RFC 3339 to the microsecond in UTC.

    `start` itself does not belong to it, unless it is all of it.
    """

    start: str
    end: str

    def has(self, time: str) -> bool:
        """Say whether a moment lies in it."""
        return self.start < time <= self.end or time == self.start == self.end


def series_of(run: Run, usage: Usage, metric: str, project: str, interval: Interval) -> list[dict[str, Any]]:
    """Return the TimeSeries messages of a metric, one for each replica that has points; points newest first."""
    found = []
    for replica in usage.replicas:
        role, _, index = replica.partition("-")
        pool = POOLS[ReplicaRole(role)]
        machine = MACHINES.get(_machine_type(run.spec, pool))
        points = _points(usage.of(replica), metric, machine, interval)
        if points:
            labels = {"project_id": project, "job_id": run.job_id, "task_name": f"{pool}-{index}"}
            trial = {} if run.trial is None else {"trial_id": str(run.trial)}
            found.append(
                {
                    "metric": {"type": metric, "labels": trial},
                    "resource": {"type": "cloudml_job", "labels": labels},
                    "metric_kind": "GAUGE",
                    "value_type": "DOUBLE",
                    "points": points,
                }
            )
    return found


def _machine_type(spec: Mapping[str, Any], pool: str) -> str:
    number = int(pool.removeprefix("workerpool"))
    return str(spec["worker_pool_specs"][number].get("machine_spec", {}).get("machine_type", ""))


def _points(
    samples: Sequence[UsageSample], metric: str, machine: MachineType | None, interval: Interval
) -> list[dict[str, Any]]:
    points = []
    for sample in reversed(samples):
        time, value = rfc3339(sample.time), METRICS[metric](sample, machine)
        if value is not None and interval.has(time):
            points.append({"interval": {"start_time": time, "end_time": time}, "value": {"double_value": value}})
    return points
