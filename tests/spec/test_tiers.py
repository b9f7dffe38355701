"""Scale tiers and machines."""

from __future__ import annotations

import pytest

from mlmagic.spec.tiers import GIB, LEGACY_MACHINES, TIERS, MachineSize, machine_size, tier_name


@pytest.mark.parametrize(
    ("machine", "cores", "gibibytes"),
    [("n1-standard-4", 4, 15), ("n1-highmem-8", 8, 52), ("n1-highcpu-16", 16, 14.4), ("a2-highgpu-1g", 12, 85)],
)
def test_machines_are_as_large_as_compute_engine_says(machine: str, cores: int, gibibytes: float) -> None:
    assert machine_size(machine) == MachineSize(cores=cores, memory_bytes=int(gibibytes * GIB))


@pytest.mark.parametrize("machine", ["cloud_tpu", "n1-ultra-4", "n1", ""])
def test_a_machine_that_is_not_known_has_no_size(machine: str) -> None:
    assert machine_size(machine) is None


@pytest.mark.parametrize(
    ("text", "tier"), [("standard-1", "STANDARD_1"), ("Basic_GPU", "BASIC_GPU"), ("custom", "CUSTOM"), ("basic2", None)]
)
def test_tiers_are_spelled_as_in_gcloud_and_in_the_api(text: str, tier: str | None) -> None:
    assert tier_name(text) == tier


def test_the_machines_of_tiers_are_known() -> None:
    pools = [*(pool for tier in TIERS.values() for pool in tier.worker_pools), *LEGACY_MACHINES.values()]
    unknown = {pool.machine_type for pool in pools if machine_size(pool.machine_type) is None}
    assert unknown == {"ct5lp-hightpu-1t"}
    assert TIERS["STANDARD_1"].replicas == {"chief": 1, "worker": 4, "ps": 3}
