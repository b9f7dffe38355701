"""`--config`: a file in the form of ML Engine's `trainingInput` or of Vertex AI's CustomJob."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlmagic.api.config_file import load_config
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.resources import WorkerPool
from mlmagic.spec.tiers import CUSTOM, LEGACY_MACHINES, TIERS, tier_name

_POOL_KEYS = ("master", "worker", "parameterServer", "evaluator")
_INPUT_KEYS = ("scaleTier", *(f"{role}{what}" for role in _POOL_KEYS for what in ("Type", "Count", "Config")))
_SPEC_KEYS = ("workerPoolSpecs", "scheduling", "labels")
_FORMS = "It takes ML Engine's form (trainingInput: scaleTier: ...) or Vertex AI's (workerPoolSpecs: ...)."
_FOR_TUNING = "{} for tuning, not for a single training job; %%tune takes the file, or take it out"
_TUNING_KEYS = ("studySpec", "trialJobSpec", "maxTrialCount", "parallelTrialCount", "maxFailedTrialCount")
_MACHINE_KEYS = ("machineSpec", "replicaCount", "pythonPackageSpec")
# What only the cloud can do, or what mlmagic decides itself. Said, not refused: the file is the user's for both places.
_CLOUD_KEYS = frozenset(
    {
        *("region", "runtimeVersion", "pythonVersion", "packageUris", "pythonModule", "jobDir", "encryptionConfig"),
        *("enableWebAccess", "network", "serviceAccount", "useChiefInTfConfig", "baseOutputDirectory", "diskSpec"),
        *("persistentResourceId", "tensorboard", "reservedIpRanges", "enableDashboardAccess", "experiment"),
        *("experimentRun", "nfsMounts", "executorImageUri", "encryptionSpec", "jobId", "displayName"),
    }
)
JOB_KEYS = _CLOUD_KEYS.union(_INPUT_KEYS, _SPEC_KEYS, {"trainingInput", "jobSpec", "args"})
"""What a file about a job may hold at its top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """What a file says about a job; None and empty where it says nothing."""

    scale_tier: str | None = None
    worker_pools: tuple[WorkerPool, ...] | None = None
    timeout: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Keys that mean nothing on this machine."""


def read_job_config(config: str | os.PathLike[str] | Mapping[str, Any]) -> JobConfig:
    """Read a YAML or JSON file, or a mapping of the same form; camelCase and snake_case are the same.

    Raises:
        UsageError: it cannot be read or does not fit; all that is wrong is listed.
    """
    place, document = load_config(config, _FORMS)
    reader = _Reader()
    found = reader.read(document)
    if reader.problems:
        raise UsageError(f"{place} does not describe a job:", problems=reader.problems)
    return found


class _Reader:
    """Reads a document, and collects what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._left_out: list[str] = []

    def read(self, document: Mapping[str, Any]) -> JobConfig:
        labels = self._labels(document.get("labels"))
        inner = self._mapping(document.get("jobSpec", document), "jobSpec")
        if "trainingInput" in document or not {"workerPoolSpecs", "jobSpec"} & document.keys():
            return self._training_input(document, labels)
        outer = {key for key in document if document is not inner} - {"jobSpec", "labels"}
        self._others(outer, (), "")
        self._others(inner, _SPEC_KEYS, "")
        scheduling = self._mapping(inner.get("scheduling", {}), "scheduling")
        self._others(scheduling, ("timeout",), "scheduling.")
        pools = inner.get("workerPoolSpecs")
        if not isinstance(pools, list) or not pools:
            self.problems.append("workerPoolSpecs must be a list of worker pools, chief first")
            pools = []
        args = [self._pool_args(pool) for pool in pools if isinstance(pool, Mapping)]
        return JobConfig(
            scale_tier=CUSTOM,
            worker_pools=tuple(self._pool(pool, f"workerPoolSpecs[{i}]") for i, pool in enumerate(pools)),
            timeout=self._timeout(scheduling.get("timeout")),
            labels=labels,
            args=args[0] if args else (),
            left_out=tuple(self._left_out),
        )

    def _training_input(self, document: Mapping[str, Any], labels: Mapping[str, str]) -> JobConfig:
        if "trainingInput" in document:
            self._others(document, ("trainingInput", "labels"), "")
        given = self._mapping(document.get("trainingInput", document), "trainingInput")
        if "hyperparameters" in given:
            self.problems.append(_FOR_TUNING.format("hyperparameters are"))
        scheduling = self._mapping(given.get("scheduling", {}), "scheduling")
        self._others(scheduling, ("maxRunningTime",), "scheduling.")
        self._others(given, (*_INPUT_KEYS, "args", "scheduling", "labels", "hyperparameters"), "")
        tier = self._tier(given)
        return JobConfig(
            scale_tier=tier,
            worker_pools=self._custom_pools(given) if tier == CUSTOM else None,
            timeout=self._timeout(scheduling.get("maxRunningTime")),
            labels=labels,
            args=tuple(map(str, given.get("args") or ())),
            left_out=tuple(self._left_out),
        )

    def _tier(self, given: Mapping[str, Any]) -> str | None:
        told = given.get("scaleTier")
        has_machines = any(key in given for key in _INPUT_KEYS[1:])
        if told is None:
            return CUSTOM if has_machines else None
        tier = tier_name(str(told))
        if tier is None:
            near = nearest(str(told), [*TIERS, CUSTOM])
            self.problems.append(f"scaleTier {told!r}: it is one of {', '.join((*TIERS, CUSTOM))}. {near}".rstrip(". "))
        elif tier != CUSTOM and has_machines:
            names = ", ".join(key for key in _INPUT_KEYS[1:] if key in given)
            self.problems.append(f"scaleTier {tier} has machines of its own; CUSTOM is for those of {names}")
        return tier

    def _custom_pools(self, given: Mapping[str, Any]) -> tuple[WorkerPool, ...]:
        if "masterType" not in given:
            self.problems.append("scaleTier CUSTOM needs masterType")
            return ()
        pools = []
        for role in _POOL_KEYS:
            count = 1 if role == "master" else self._count(given.get(f"{role}Count", 0), f"{role}Count")
            machine = given.get(f"{role}Type", given["masterType"])
            if count and f"{role}Type" not in given:
                self.problems.append(f"{role}Count needs {role}Type")
            pools.append(self._machine(str(machine), given.get(f"{role}Config"), count, f"{role}Config"))
        return _without_empty_tail(pools)

    def _machine(self, name: str, config: Any, count: int, place: str) -> WorkerPool:
        pool = LEGACY_MACHINES.get(name, WorkerPool(machine_type=name))
        accelerator = self._mapping(self._mapping(config or {}, place).get("acceleratorConfig", {}), place)
        return WorkerPool(
            machine_type=pool.machine_type,
            replica_count=count,
            accelerator_type=accelerator.get("type", pool.accelerator_type),
            accelerator_count=self._count(accelerator["count"], f"{place}.acceleratorConfig.count")
            if "count" in accelerator
            else pool.accelerator_count,
            tpu_topology=pool.tpu_topology,
        )

    def _pool(self, given: Any, place: str) -> WorkerPool:
        given = self._mapping(given, place)
        if not given:
            return WorkerPool(replica_count=0)
        self._others(given, _MACHINE_KEYS, f"{place}.")
        machine = self._mapping(given.get("machineSpec", {}), f"{place}.machineSpec")
        known = ("machineType", "acceleratorType", "acceleratorCount", "tpuTopology")
        self._others(machine, known, f"{place}.machineSpec.")
        if "machineType" not in machine:
            self.problems.append(f"{place}.machineSpec.machineType is missing")
        count = self._count(given.get("replicaCount", 1), f"{place}.replicaCount")
        if place.endswith("[0]") and count != 1:
            self.problems.append(f"{place}.replicaCount is {count}: the first pool is the chief, of which there is one")
        accelerators = machine.get("acceleratorCount")
        return WorkerPool(
            machine_type=str(machine.get("machineType")),
            replica_count=count,
            accelerator_type=machine.get("acceleratorType"),
            accelerator_count=None if accelerators is None else self._count(accelerators, f"{place}.acceleratorCount"),
            tpu_topology=machine.get("tpuTopology"),
        )

    def _pool_args(self, pool: Mapping[str, Any]) -> tuple[str, ...]:
        package = self._mapping(pool.get("pythonPackageSpec", {}), "pythonPackageSpec")
        return tuple(map(str, package.get("args") or ()))

    def _labels(self, labels: Any) -> Mapping[str, str]:
        return {str(key): str(value) for key, value in self._mapping(labels or {}, "labels").items()}

    def _others(self, given: Mapping[str, Any] | set[str], known: Sequence[str], prefix: str) -> None:
        for key in given:
            if key in _CLOUD_KEYS or (prefix == "scheduling." and key not in known):
                self._left_out.append(f"{prefix}{key}")
            elif key == "containerSpec":
                self.problems.append(f"{prefix}{key}: a container's program cannot be run; give the code itself")
            elif key in _TUNING_KEYS and not prefix:
                self.problems.append(_FOR_TUNING.format(f"{key} is"))
            elif key not in known:
                near = nearest(key, [*known, *_CLOUD_KEYS]) or ("" if prefix else _FORMS)
                self.problems.append(f"{prefix}{key} is not known. {near}".rstrip())

    def _mapping(self, value: Any, place: str) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        self.problems.append(f"{place} must hold keys, not {value!r:.60}")
        return {}

    def _count(self, value: Any, place: str) -> int:
        if re.fullmatch(r"\d{1,4}", str(value), re.ASCII):
            return int(value)
        self.problems.append(f"{place} must be a whole number, not {value!r:.60}")
        # With a count that nobody finds a second fault with: the file is refused.
        return 1

    def _timeout(self, value: Any) -> str | None:
        return None if value is None else str(value)


def _without_empty_tail(pools: Sequence[WorkerPool]) -> tuple[WorkerPool, ...]:
    kept = list(pools)
    while kept and not kept[-1].replica_count:
        kept.pop()
    return tuple(kept)
