"""What a job or an endpoint in Google Cloud takes, before it is started: machines times hours, and money if known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mlmagic.panels.times import HOUR, MINUTE, duration
from mlmagic.spec.budgets import hours_word
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.resources import WorkerPool
from mlmagic.spec.tiers import CUSTOM

if TYPE_CHECKING:
    from mlmagic.spec.endpoint import EndpointSpec
    from mlmagic.spec.prices import PriceList

COSTLY = frozenset({"google"})
"""The backends whose machines somebody is billed for; the emulator's are this machine."""


class Count(Enum):
    """What is known of the number of machines."""

    EXACT = ""
    MOST = "up to "
    LEAST = "at least "


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCost:
    """What a job takes at most: each of its runs has all machines, for its timeout if it has one."""

    name: str
    """The scale tier, or what else the machines are called by; empty where they have no name."""
    pools: tuple[WorkerPool, ...]
    """Empty where Google decides on both type and number."""
    count: Count = Count.EXACT
    seconds: float | None
    """Of one run; None: it ends when it ends."""
    attempts: int = 1
    trials: int | None = None
    """Of a study, each of which is a run."""
    advice: str = ""
    """What bounds the number of machines, where nothing does."""
    resource: str | None = None
    """The id of the machines that it runs on, if they are there already."""

    @property
    def machines(self) -> int:
        """How many there are at a time in one run."""
        return sum(pool.replica_count for pool in self.pools)

    @property
    def runs(self) -> int:
        """How often all machines may be taken for the whole timeout."""
        return self.attempts * (self.trials or 1)

    @property
    def machine_hours(self) -> float | None:
        """The most that it may take; None without a timeout, or where the machines may be more."""
        return (
            None
            if self.seconds is None or self.count is Count.LEAST
            else self.machines * self.runs * self.seconds / HOUR
        )

    def hourly(self, prices: PriceList) -> float | None:
        """Return what an hour of one run costs; None where a price of it is not known."""
        amounts = [_hourly(pool, prices) for pool in self.pools]
        return None if None in amounts else sum(amount for amount in amounts if amount is not None)

    def unpriced(self, prices: PriceList) -> str:
        """Return the machines and accelerators of which no price is known."""
        names = [pool.machine_type for pool in self.pools if pool.machine_type not in prices.machines]
        kinds = [pool.accelerator_type for pool in self.pools if pool.accelerator_type is not None]
        return ", ".join(dict.fromkeys((*names, *(kind for kind in kinds if kind not in prices.accelerators))))

    def amount(self, prices: PriceList | None) -> str | None:
        """Return what it costs by the user's prices, with whose they are; None where nothing is known."""
        if prices is None or not self.pools or self.resource is not None:
            return None
        hourly = self.hourly(prices)
        if hourly is None:
            return f"prices.toml has no price of {self.unpriced(prices)}"
        if self.seconds is None or self.count is Count.LEAST:
            return f"{self.count.value}{hourly:.2f} {prices.currency} per hour by {_told(prices)}"
        return f"up to {hourly * self.runs * self.seconds / HOUR:.2f} {prices.currency} by {_told(prices)}"

    def __str__(self) -> str:
        named = f"{self.name}: " if self.name else ""
        machines = f"{self.count.value}{machines_text(self.pools)}" if self.pools else "as many machines as it takes"
        told = f"{named}{machines} {self._time}{self.advice}"
        if self.trials is not None:
            told = f"{self.trials} {'trial' if self.trials == 1 else 'trials'} of {told}"
        hours = self.machine_hours
        if hours is not None:
            told = f"{told} = {_number(hours)} {hours_word(round(hours, 2))}"
        return told if self.resource is None else f"{told}, on machines of {self.resource} that are paid for anyway"

    @property
    def _time(self) -> str:
        again = f", {self.attempts} attempts" if self.attempts > 1 else ""
        if self.seconds is None:
            return f"until {'each ends' if self.trials else 'it ends'}{again}"
        return f"for up to {hours_text(self.seconds)} (timeout){' each' if self.trials else ''}{again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCost:
    """What an endpoint takes as long as it is deployed."""

    name: str
    machine_type: str
    least: int
    """Machines that are always there."""
    most: int
    ends: str = "until it is undeployed"

    def amount(self, prices: PriceList | None) -> str | None:
        """Return what it costs by the user's prices, with whose they are; None where nothing is known."""
        if prices is None:
            return None
        hourly = prices.hourly(self.machine_type)
        if hourly is None:
            return f"prices.toml has no price of {self.machine_type}"
        low, high = f"{self.least * hourly:.2f}", f"{self.most * hourly:.2f}"
        return f"{low if low == high else f'{low} to {high}'} {prices.currency} per hour by {_told(prices)}"

    def __str__(self) -> str:
        count = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
        hours = hours_word(self.most)
        machines = f"{count} × {self.machine_type}"
        return f"endpoint {self.name}: {machines} = {count} {hours} per hour {self.ends}"


def job_cost(spec: JobSpec) -> JobCost:
    """Return what a job takes where its worker pools are real machines."""
    from mlmagic.backends.google.dataflow_words import runs_on_dataflow

    if runs_on_dataflow(spec):
        return _pipeline_cost(spec)
    if spec.kind is JobKind.BATCH_PREDICTION:
        return _batch_cost(spec)
    return JobCost(
        name="" if spec.resources.scale_tier == CUSTOM else spec.resources.scale_tier,
        pools=tuple(pool for pool in spec.resources.worker_pools if pool.replica_count),
        seconds=spec.timeout_seconds,
        attempts=spec.max_retries + 1,
        trials=None if spec.study is None else spec.study.trials,
        resource=spec.vertex.persistent_resource,
    )


def _batch_cost(spec: JobSpec) -> JobCost:
    from mlmagic.backends.google.batch import MOST_MACHINES

    return JobCost(
        name="batch prediction",
        pools=(dataclasses.replace(spec.resources.worker_pools[0], replica_count=MOST_MACHINES),),
        count=Count.MOST,
        seconds=spec.timeout_seconds,
        attempts=spec.max_retries + 1,
    )


def _pipeline_cost(spec: JobSpec) -> JobCost:
    from mlmagic.backends.google.dataflow_words import machines_of

    machine, most = machines_of(spec)
    known = WorkerPool(machine_type=machine or "worker", replica_count=most or 1)
    return JobCost(
        name="Dataflow",
        pools=() if machine is None and most is None else (known,),
        count=Count.LEAST if most is None else Count.MOST,
        seconds=spec.timeout_seconds,
        attempts=spec.max_retries + 1,
        advice=" (--workers N bounds them)" if most is None else "",
    )


def endpoint_cost(spec: EndpointSpec) -> EndpointCost:
    """Return what an endpoint in the cloud takes: each version has replicas of its own, one without requests too."""
    from mlmagic.backends.google.endpoints_plan import replicas
    from mlmagic.backends.google.endpoints_sync import DEFAULT_MACHINE

    least, most = replicas(spec.scaling)
    count = len(spec.deployed)
    machine = spec.machine or DEFAULT_MACHINE
    return EndpointCost(name=spec.name, machine_type=machine, least=count * least, most=count * most)


def move_cost(spec: EndpointSpec, number: int | None) -> EndpointCost:
    """Return what an endpoint in the cloud takes while it moves to a version: the new one is there before the old goes.

    Args:
        spec: as it is, with one version.
        number: the version; None of one that is yet to be made.
    """
    cost = endpoint_cost(spec)
    new = "the new version" if number is None else f"{spec.model}@{number}"
    ends = f"while {new} takes the place of {spec.model}@{spec.deployed[0].number}, then half of that"
    return dataclasses.replace(cost, least=2 * cost.least, most=2 * cost.most, ends=ends)


def machines_text(pools: Sequence[WorkerPool]) -> str:
    """Return `1 × n1-standard-8 with 2 × NVIDIA_TESLA_T4 + 4 × n1-standard-4`."""
    return " + ".join(f"{pool.replica_count} × {pool.machine_type}{_accelerators(pool)}" for pool in pools)


def hours_text(seconds: float) -> str:
    """Return `2 h`, `90 min` or, where that is not round, what `duration` returns."""
    if seconds % HOUR == 0:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / MINUTE:.0f} min" if seconds % MINUTE == 0 and seconds < 2 * HOUR else duration(seconds)


def _accelerators(pool: WorkerPool) -> str:
    return f" with {pool.accelerator_count or 1} × {pool.accelerator_type}" if pool.accelerator_type else ""


def _hourly(pool: WorkerPool, prices: PriceList) -> float | None:
    one = prices.hourly(pool.machine_type, pool.accelerator_type, pool.accelerator_count or 1)
    return None if one is None else pool.replica_count * one


def _told(prices: PriceList) -> str:
    return f"prices.toml ({prices.origin})"


def _number(amount: float) -> str:
    return f"{amount:,.2f}".rstrip("0").rstrip(".")
