"""What is told before something costs money: machines times hours, and amounts by the user's own prices alone."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from mlmagic.api.costs import EndpointCost, JobCost, job_cost
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.prices import PriceList
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.study import Goal, StudySpec
from mlmagic.spec.tiers import TIERS
from mlmagic.spec.vertex import VertexOptions

PRICES = PriceList(currency="USD", source="our sheet", date=date(2026, 11, 1), machines={"n1-standard-4": 0.25})
GPU = WorkerPool(machine_type="n1-standard-8", accelerator_type="NVIDIA_TESLA_T4", accelerator_count=2)


def cost(**told: Any) -> JobCost:
    return job_cost(JobSpec(display_name="taxi", package=PackageReference(digest="0"), **told))


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"timeout_seconds": 7200}, "BASIC: 1 × n1-standard-4 for up to 2 h (timeout) = 2 machine-hours"),
        ({"timeout_seconds": 3600}, "BASIC: 1 × n1-standard-4 for up to 1 h (timeout) = 1 machine-hour"),
        ({}, "BASIC: 1 × n1-standard-4 until it ends"),
        (
            {"timeout_seconds": 900, "max_retries": 2},
            "BASIC: 1 × n1-standard-4 for up to 15 min (timeout), 3 attempts = 0.75 machine-hours",
        ),
        (
            {"timeout_seconds": 100_000, "resources": TIERS["STANDARD_1"]},
            (
                "STANDARD_1: 1 × n1-standard-8 + 4 × n1-standard-8 + 3 × n1-standard-4 for up to 1 d 3 h (timeout) "
                "= 222.22 machine-hours"
            ),
        ),
        (
            {"resources": Resources(scale_tier="CUSTOM", worker_pools=(GPU, WorkerPool(replica_count=0)))},
            "1 × n1-standard-8 with 2 × NVIDIA_TESLA_T4 until it ends",
        ),
    ],
)
def test_the_line_of_a_job(told: dict[str, Any], line: str) -> None:
    assert str(cost(**told)) == line


def test_the_line_of_a_study_counts_its_trials() -> None:
    study = StudySpec(metric="val_loss", goal=Goal.MINIMIZE, parameters=(), trials=20, parallel=5)
    told = cost(kind=JobKind.TUNING, study=study, timeout_seconds=7200)
    each = "BASIC: 1 × n1-standard-4"
    assert str(told) == f"20 trials of {each} for up to 2 h (timeout) each = 40 machine-hours"
    assert str(dataclasses.replace(told, seconds=None, trials=1)) == f"1 trial of {each} until each ends"
    assert told.amount(PRICES) == "up to 10.00 USD by prices.toml (our sheet, 2026-11-01)"


PIPELINE = ("--input", "a.csv", "--runner", "dataflow")


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"args": PIPELINE}, "as many machines as it takes until it ends (--workers N bounds them)"),
        ({"args": (*PIPELINE, "--workers", "4")}, "up to 4 × worker until it ends"),
        (
            {"args": (*PIPELINE, "--workers", "4"), "resources": Resources(cores=3), "timeout_seconds": 3600},
            "up to 4 × n1-standard-4 for up to 1 h (timeout) = 4 machine-hours",
        ),
        (
            {"args": (*PIPELINE, "--", "--worker_machine_type=n2-standard-2"), "timeout_seconds": 3600},
            "at least 1 × n2-standard-2 for up to 1 h (timeout) (--workers N bounds them)",
        ),
        ({"args": (*PIPELINE, "--workers=4", "--", "--max_num_workers=2")}, "up to 2 × worker until it ends"),
    ],
)
def test_the_line_of_a_pipeline_says_what_bounds_it(told: dict[str, Any], line: str) -> None:
    assert str(cost(kind=JobKind.PREPROCESSING, **told)) == f"Dataflow: {line}"


def test_the_line_of_a_batch_prediction_has_all_machines_that_it_may_take() -> None:
    told = cost(kind=JobKind.BATCH_PREDICTION, timeout_seconds=3600)
    assert str(told) == "batch prediction: up to 10 × n1-standard-4 for up to 1 h (timeout) = 10 machine-hours"
    assert told.amount(PRICES) == "up to 2.50 USD by prices.toml (our sheet, 2026-11-01)"
    without = cost(kind=JobKind.BATCH_PREDICTION)
    assert str(without) == "batch prediction: up to 10 × n1-standard-4 until it ends"
    assert cost(kind=JobKind.PREPROCESSING, args=PIPELINE).amount(PRICES) is None


def test_amounts_are_the_users_own_or_none() -> None:
    assert cost(timeout_seconds=7200).amount(None) is None
    assert cost(timeout_seconds=7200).amount(PRICES) == "up to 0.50 USD by prices.toml (our sheet, 2026-11-01)"
    assert cost().amount(PRICES) == "0.25 USD per hour by prices.toml (our sheet, 2026-11-01)"
    unpriced = cost(resources=Resources(worker_pools=(GPU, WorkerPool())))
    assert unpriced.amount(PRICES) == "prices.toml has no price of n1-standard-8, NVIDIA_TESLA_T4"


def test_machines_that_are_there_already_are_paid_for_anyway() -> None:
    told = cost(timeout_seconds=3600, vertex=VertexOptions(persistent_resource="pool-1"))
    taken = "BASIC: 1 × n1-standard-4 for up to 1 h (timeout) = 1 machine-hour"
    assert str(told) == f"{taken}, on machines of pool-1 that are paid for anyway"
    assert told.amount(PRICES) is None


def test_the_line_of_an_endpoint_has_no_end() -> None:
    told = EndpointCost(name="taxi", machine_type="n1-standard-4", least=1, most=3)
    rest = "machine-hours per hour until it is undeployed"
    assert str(told) == f"endpoint taxi: 1 to 3 × n1-standard-4 = 1 to 3 {rest}"
    assert told.amount(PRICES) == "0.25 to 0.75 USD per hour by prices.toml (our sheet, 2026-11-01)"
    assert dataclasses.replace(told, machine_type="e2").amount(PRICES) == "prices.toml has no price of e2"
    one = str(dataclasses.replace(told, most=1))
    assert one == "endpoint taxi: 1 × n1-standard-4 = 1 machine-hour per hour until it is undeployed"
