"""What replicas take of their machines, from Cloud Monitoring: fractions of a machine → cores and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.logs import role_of
from mlmagic.backends.google.machines import MACHINES
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.spec.job import JobRecord
from mlmagic.spec.resources import ROLES
from mlmagic.spec.usage import Usage, UsageSample

_PREFIX = "ml.googleapis.com/training"
_CPU, _MEMORY, _GPU = (f"{_PREFIX}/{what}/utilization" for what in ("cpu", "memory", "accelerator"))
Points = dict[tuple[str, datetime], float]


def read_usage(client: GoogleClient, record: JobRecord, remote: RemoteRecord) -> Usage:
    """Return the samples of a job's newest attempt, of replicas on machines whose size is known.

    Unverified: that Monitoring calls the replica `task_name`, and a study's trial `trial_id`, among the labels of
    resource or metric.

    Raises:
        BackendError: Google refused, or did not answer.
    """
    if remote.name is None or remote.start_time is None:
        return Usage()
    end = remote.end_time or datetime.now(UTC)
    interval = {"interval.startTime": _rfc3339(remote.start_time), "interval.endTime": _rfc3339(end)}
    cpu, memory, gpu = (_points(client, metric, remote, interval) for metric in (_CPU, _MEMORY, _GPU))
    samples: list[UsageSample] = []
    before: dict[str, datetime] = {}
    for task, time in sorted(cpu, key=lambda point: (point[1], point[0])):
        role, index = role_of(task) or ("", 0)
        machine = MACHINES.get(_machine_type(record, role))
        if machine is None:
            continue
        elapsed = (time - before.get(task, remote.start_time)).total_seconds()
        before[task] = time
        samples.append(
            UsageSample(
                time=time,
                replica=f"{role}-{index}",
                seconds=max(elapsed, 0.0),
                cores=cpu[task, time] * machine.cores,
                memory_bytes=int(memory.get((task, time), 0.0) * machine.memory_bytes),
                gpu_percent=gpu[task, time] * 100 if (task, time) in gpu else None,
            )
        )
    return Usage(samples=tuple(samples))


def _points(client: GoogleClient, metric: str, remote: RemoteRecord, interval: Mapping[str, str]) -> Points:
    """Return a metric's values by replica and time."""
    job_number = (remote.name or "").rpartition("/")[2]
    parameters = {
        "filter": f'metric.type="{metric}" AND resource.labels.job_id="{job_number}"',
        "view": "FULL",
        **interval,
    }
    points: Points = {}
    while True:
        document = client.time_series(parameters)
        for series in document.get("timeSeries", []):
            labels = {**series.get("metric", {}).get("labels", {}), **series.get("resource", {}).get("labels", {})}
            if remote.trial is not None and labels.get("trial_id") != str(remote.trial):
                continue
            task = str(labels.get("task_name", ""))
            for point in series.get("points", []):
                time = datetime.fromisoformat(point["interval"]["endTime"])
                points[task, time] = float(point["value"].get("doubleValue", 0.0))
        if not document.get("nextPageToken"):
            return points
        parameters = {**parameters, "pageToken": document["nextPageToken"]}


def _machine_type(record: JobRecord, role: str) -> str:
    pools = dict(zip(ROLES, record.spec.resources.worker_pools, strict=False))
    return pools[role].machine_type if role in pools else ""


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
