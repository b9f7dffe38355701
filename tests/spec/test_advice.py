"""Hints say what a job took of what it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.spec.advice import usage_hints
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.tiers import GIB, TIERS
from mlmagic.spec.usage import Usage, UsageSample

NOW = datetime(2026, 1, 31, tzinfo=UTC)
LARGE = Resources(scale_tier="CUSTOM", worker_pools=(WorkerPool(machine_type="n1-standard-8"),))


def record(resources: Resources) -> JobRecord:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), resources=resources)
    return JobRecord(
        id="taxi-20260131-000000-0a1b", spec=spec, state=JobState.RUNNING, create_time=NOW, update_time=NOW
    )


def usage(peaks: Mapping[str, tuple[float, float]], seconds: int = 30) -> Usage:
    """Replicas that reach their peaks of cores and gigabytes for a second."""
    return Usage(
        samples=tuple(
            UsageSample(
                time=NOW + timedelta(seconds=second),
                replica=name,
                cores=cores if second == 3 else 0.1,
                memory_bytes=int(gigabytes * GIB) if second == 5 else GIB // 10,
            )
            for second in range(seconds)
            for name, (cores, gigabytes) in peaks.items()
        )
    )


def test_a_machine_that_was_too_large_is_told() -> None:
    assert usage_hints(record(LARGE), usage({"chief-0": (1.9, 1.2)})) == (
        "peaks: chief 1.9 of 8 cores, 1.2 of 30 GB: it would have fitted BASIC (n1-standard-4: 4 cores, 15 GB)",
    )


def test_a_cluster_that_one_machine_would_hold_is_told() -> None:
    peaks = {"chief-0": (0.5, 1.0), "worker-0": (1.0, 1.0), "worker-1": (1.2, 1.5), "ps-0": (0.1, 0.5)}
    (hint,) = usage_hints(record(TIERS["STANDARD_1"]), usage(peaks))
    assert hint == (
        "peaks: chief 0.5 of 8 cores, 1 of 30 GB; worker 1.2 of 8 cores, 1.5 of 30 GB; "
        "ps 0.1 of 4 cores, 0.5 of 15 GB: it would have fitted BASIC (n1-standard-4: 4 cores, 15 GB)"
    )


@pytest.mark.parametrize("peak", [(6.0, 1.0), (1.0, 13.0)])
def test_what_would_not_have_fitted_is_not_advised(peak: tuple[float, float]) -> None:
    assert usage_hints(record(LARGE), usage({"chief-0": peak})) == ()


def test_a_job_that_kept_a_small_machine_busy_might_have_used_more() -> None:
    busy = usage({"chief-0": (1.95, 1.0)})
    assert usage_hints(record(LARGE), busy, machine_cores=2) == ()
    assert len(usage_hints(record(LARGE), busy, machine_cores=8)) == 1


@pytest.mark.parametrize("tier", ["BASIC", "BASIC_GPU", "BASIC_TPU"])
def test_basic_is_not_advised_to_what_it_is_no_less_than(tier: str) -> None:
    assert usage_hints(record(TIERS[tier]), usage({"chief-0": (1.0, 1.0)})) == ()


@pytest.mark.parametrize(
    ("gigabytes", "told"),
    [(14.2, "14.2 GB at its peak, nearly all of the 15 GB"), (16.0, "16 GB at its peak, more than the 15 GB")],
)
def test_a_machine_that_is_nearly_full_is_told(gigabytes: float, told: str) -> None:
    assert usage_hints(record(Resources()), usage({"chief-0": (1.0, gigabytes)})) == (
        f"memory: chief held {told} of n1-standard-4: choose a larger machine type",
    )


def test_nothing_is_told_of_a_few_seconds_or_unknown_machines() -> None:
    unknown = Resources(scale_tier="CUSTOM", worker_pools=(WorkerPool(machine_type="z9-mega-64"),))
    assert usage_hints(record(LARGE), usage({"chief-0": (1.0, 1.0)}, seconds=19)) == ()
    assert usage_hints(record(LARGE), Usage()) == ()
    assert usage_hints(record(unknown), usage({"chief-0": (1.0, 1.0)})) == ()
