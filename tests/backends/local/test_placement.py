"""Clusters on this machine."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.studies import study_spec

from mlmagic.backends.local.machine import Machine, this_machine
from mlmagic.backends.local.placement import place, scaled_down
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.tiers import GIB, TIERS

LAPTOP = Machine(cores=2, memory_bytes=8 * GIB)


def spec(resources: Resources) -> JobSpec:
    return JobSpec(display_name="taxi", package=PackageReference(digest="0"), resources=resources)


def cluster(**fields: object) -> Resources:
    pools = (WorkerPool(), WorkerPool(replica_count=2), WorkerPool(replica_count=1))
    return Resources(scale_tier="CUSTOM", worker_pools=pools, **fields)  # type: ignore[arg-type]


def test_an_ordinary_job_takes_one_core_and_needs_no_words() -> None:
    placement = place(spec(Resources()), LAPTOP)
    assert (placement.replicas, placement.cores, placement.note) == ({"chief": 1}, 1, None)


def study(resources: Resources, parallel: int) -> JobSpec:
    return dataclasses.replace(spec(resources), kind=JobKind.TUNING, study=study_spec(parallel=parallel))


def test_a_study_takes_nothing_and_says_how_many_trials_fit() -> None:
    placement = place(study(Resources(), 4), LAPTOP)
    assert (placement.replicas, placement.cores, placement.memory_bytes) == ({"chief": 1}, 0, 0)
    assert placement.note == "here 2 of 4 parallel trials run at a time"
    assert place(study(Resources(), 2), LAPTOP).note is None


def test_a_study_whose_trials_can_never_run_is_refused() -> None:
    with pytest.raises(UsageError, match="it needs 9 cores: this machine has 2"):
        place(study(Resources(cores=9), 2), LAPTOP)


def test_a_tier_is_scaled_down_and_says_what_it_is_in_the_cloud() -> None:
    placement = place(spec(TIERS["STANDARD_1"]), LAPTOP)
    assert placement.replicas == {"chief": 1, "worker": 1, "ps": 1}
    assert placement.cores == 2
    assert placement.note == (
        "here it runs as chief, 1 worker, 1 ps; in the cloud STANDARD_1 is "
        "chief on n1-standard-8, 4 workers on n1-standard-8, 3 ps on n1-standard-4"
    )


def test_a_tier_that_fits_is_left_whole() -> None:
    placement = place(spec(TIERS["STANDARD_1"]), Machine(cores=16, memory_bytes=64 * GIB))
    assert placement.replicas == {"chief": 1, "worker": 4, "ps": 3}


def test_replicas_that_were_asked_for_share_the_cores() -> None:
    placement = place(spec(cluster(is_exact=True)), LAPTOP)
    assert (placement.replicas, placement.cores) == ({"chief": 1, "worker": 2, "ps": 1}, 2)


def test_a_gpu_that_is_not_here() -> None:
    note = place(spec(TIERS["BASIC_GPU"]), LAPTOP).note
    assert note == (
        "here it runs as one process without a GPU; "
        "in the cloud BASIC_GPU is chief on n1-standard-8 with 1 NVIDIA_TESLA_T4"
    )


def test_what_can_never_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(UsageError) as caught:
        place(spec(Resources(cores=16, memory_bytes=64 * GIB)), LAPTOP)
    assert str(caught.value) == (
        "job 'taxi' can never run on this machine:\n"
        "  - it needs 16 cores: this machine has 2\n"
        "  - it needs 64.0 GB of memory: this machine has 8.0 GB for jobs\n"
        "Ask for less with --replicas, --cores and --memory."
    )


def test_a_cluster_that_can_never_fit() -> None:
    with pytest.raises(UsageError, match=r"its 4 replicas \(chief, 2 workers, 1 ps\) need 8 cores: this machine has 2"):
        place(spec(cluster(is_exact=True, cores=2)), LAPTOP)


@given(
    st.dictionaries(st.sampled_from(["worker", "ps", "evaluator"]), st.integers(1, 20), max_size=3),
    st.integers(1, 64),
)
def test_scaling_down_keeps_every_role_and_never_gives_more_than_asked_for(wanted: dict[str, int], room: int) -> None:
    wanted = {"chief": 1, **wanted}
    chosen = scaled_down(wanted, room)
    assert chosen.keys() == wanted.keys()
    assert all(1 <= chosen[role] <= wanted[role] for role in wanted)
    assert sum(chosen.values()) == min(sum(wanted.values()), max(room, len(wanted)))


def test_this_machine_has_something() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.memory_bytes > GIB // 4
