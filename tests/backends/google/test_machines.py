"""Machines and accelerators."""

from __future__ import annotations

from pathlib import Path

from mlmagic.backends.google.machines import ACCELERATORS, ENDED_ACCELERATORS, MACHINES, TPU_MACHINES, Source
from mlmagic.spec.tiers import GIB, LEGACY_MACHINES, TIERS


def test_accelerators_are_those_of_the_client_library() -> None:
    from google.cloud.aiplatform_v1.types.accelerator_type import AcceleratorType

    assert set(ACCELERATORS) == {kind.name for kind in AcceleratorType} - {"ACCELERATOR_TYPE_UNSPECIFIED"}
    assert set(ACCELERATORS) >= ENDED_ACCELERATORS


def test_what_is_said_to_stand_in_the_client_library_stands_there() -> None:
    from google.cloud import aiplatform_v1

    folders = [Path(aiplatform_v1.__file__).parents[1] / name for name in ("aiplatform", "aiplatform_v1")]
    told = {name for name, machine in MACHINES.items() if machine.source is Source.CLIENT_LIBRARY}
    texts = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]
    assert {name for name in told if any(name in text for text in texts)} == told


def test_machines_have_their_sizes() -> None:
    assert (MACHINES["n1-standard-8"].cores, MACHINES["n1-standard-8"].memory_bytes) == (8, 30 * GIB)
    assert (MACHINES["a2-highgpu-2g"].cores, MACHINES["a2-highgpu-2g"].memory_bytes) == (24, 170 * GIB)


def test_the_machines_of_all_tiers_are_known() -> None:
    used = {pool.machine_type for tier in TIERS.values() for pool in tier.worker_pools}
    assert used <= {*MACHINES, *TPU_MACHINES}
    legacy = {pool.machine_type for pool in LEGACY_MACHINES.values()}
    assert legacy - {*MACHINES, *TPU_MACHINES} == {"n1-highcpu-8"}
