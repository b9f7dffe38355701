"""What is refused of a persistent resource, and of a job that is to run on one. The sentences are unverified."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlmagic.emulator.core import Core
from mlmagic.emulator.errors import ApiError, Violation, failed_precondition, not_found
from mlmagic.emulator.jobs.checks import check_labels, check_machine

Document = Mapping[str, Any]

KIND = "PersistentResource"
_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LONGEST_NAME = 128
_SAME = ("machine_type", "accelerator_type", "accelerator_count")


def check_id(resource_id: str) -> Iterator[Violation]:
    """Find what is wrong with the id that a client has chosen."""
    if not _ID.fullmatch(resource_id):
        why = f"The id {resource_id!r} is not valid: up to 63 of [a-z0-9-], beginning with a letter."
        yield Violation(field="persistent_resource_id", description=why)


def check_resource(resource: Document) -> Iterator[Violation]:
    """Find what is wrong with a PersistentResource."""
    path = "persistent_resource"
    if len(resource.get("display_name", "")) > _LONGEST_NAME:
        why = f"The display name has more than {_LONGEST_NAME} characters."
        yield Violation(field=f"{path}.display_name", description=why)
    yield from check_labels(resource, path)
    pools = resource.get("resource_pools", [])
    if not pools:
        yield Violation(field=f"{path}.resource_pools", description="Required field is not set.")
    for number, pool in enumerate(pools):
        place = f"{path}.resource_pools[{number}]"
        yield from check_machine(pool.get("machine_spec", {}), f"{place}.machine_spec")
        if "autoscaling_spec" in pool:
            yield from _check_scaling(pool["autoscaling_spec"], place)
        elif int(pool.get("replica_count", 1)) < 1:
            yield Violation(field=f"{place}.replica_count", description="The replica count must be positive.")


def require_resource(spec: Document, core: Core, parent: str) -> None:
    """See that the persistent resource of a CustomJobSpec, if it names one, is there and has its machines.

    Raises:
        ApiError: NOT_FOUND, or FAILED_PRECONDITION.
    """
    resource_id = spec.get("persistent_resource_id")
    if not resource_id:
        return
    name = f"{parent}/persistentResources/{resource_id}"
    resource = core.documents.find(name)
    if resource is None:
        raise not_found(name, KIND)
    if resource["state"] != "RUNNING":
        raise failed_precondition(f"The {KIND} {name} is in state {resource['state']}: jobs need one that is RUNNING.")
    has = [_machine(pool["machine_spec"]) for pool in resource["resource_pools"]]
    for pool in filter(None, spec["worker_pool_specs"]):
        if _machine(pool["machine_spec"]) not in has:
            raise ApiError(
                status="INVALID_ARGUMENT",
                message=f"The {KIND} {name} has no pool of {_told(pool['machine_spec'])}; it has "
                f"{', '.join(_told(one['machine_spec']) for one in resource['resource_pools'])}.",
            )


def _check_scaling(scaling: Document, place: str) -> Iterator[Violation]:
    least, most = int(scaling.get("min_replica_count", 0)), int(scaling.get("max_replica_count", 0))
    if not 0 < least < most:
        why = f"0 < min_replica_count < max_replica_count is needed, not {least} and {most}."
        yield Violation(field=f"{place}.autoscaling_spec", description=why)


def _machine(spec: Document) -> tuple[str, ...]:
    return tuple(str(spec.get(field, "")) for field in _SAME)


def _told(spec: Document) -> str:
    machine, accelerator, count = _machine(spec)
    return f"{machine} with {count} {accelerator}" if accelerator else machine
