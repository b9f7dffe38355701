"""What is refused of a job's description, all of it at once.

The form of the message, `List of found errors:`, was seen in public threads; the single sentences are unverified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlmagic.backends.google.machines import ACCELERATORS, MACHINES, TPU_MACHINES
from mlmagic.emulator.errors import ApiError, Violation, bad_request
from mlmagic.spec.resources import ROLES

Document = Mapping[str, Any]

_LONGEST_NAME = 128
_MOST_ITEMS = 100
_MOST_LABELS = 64
_BUCKET_FOLDER = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/.*)?")
_NETWORK = re.compile(r"projects/[^/]+/global/networks/[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_TENSORBOARD = re.compile(r"projects/[^/]+/locations/[^/]+/tensorboards/[^/]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LABELS = "It can have at most 64 lowercase letters, digits, underscores and dashes; a key begins with a letter."
_UNSUPPORTED = ("psc_interface_config", "models")
_UNSUPPORTED_OF_POOLS = ("nfs_mounts", "lustre_mounts")
_REQUIRED = "Required field is not set."


def refuse(violations: Sequence[Violation]) -> None:
    """Raise what the API answers to a request with these faults, if there are any.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    if violations:
        raise errors_found(violations)


def errors_found(violations: Sequence[Violation]) -> ApiError:
    """Return the error that lists faults as Vertex AI does."""
    listed = [f"{number}.Field: {one.field}; Message: {one.description}" for number, one in enumerate(violations, 1)]
    return bad_request("\t".join(["List of found errors:", *listed, ""]), violations)


def refuse_unsupported(spec: Document, path: str) -> None:
    """Refuse what the real API takes in a CustomJobSpec and the emulator has nothing for.

    Raises:
        ApiError: UNIMPLEMENTED.
    """
    found = [name for name in _UNSUPPORTED if spec.get(name)]
    found += sorted({name for pool in spec["worker_pool_specs"] for name in _UNSUPPORTED_OF_POOLS if pool.get(name)})
    if found:
        what = ", ".join(found)
        raise ApiError(status="UNIMPLEMENTED", message=f"mlmagic's emulator does not implement {path}: {what}.")


def check_resource(document: Document, path: str) -> Iterator[Violation]:
    """Find what is wrong with what all resources have: display name and labels."""
    name = document.get("display_name", "")
    if not name:
        yield Violation(field=f"{path}.display_name", description=_REQUIRED)
    elif len(name) > _LONGEST_NAME:
        why = f"The display name is {len(name)} characters long; at most {_LONGEST_NAME} are allowed."
        yield Violation(field=f"{path}.display_name", description=why)
    yield from check_labels(document, path)


def check_labels(document: Document, path: str) -> Iterator[Violation]:
    """Find what is wrong with labels."""
    labels = document.get("labels", {})
    if len(labels) > _MOST_LABELS:
        yield Violation(field=f"{path}.labels", description=f"At most {_MOST_LABELS} labels are allowed.")
    for key, value in labels.items():
        if not _is_label(key, is_key=True):
            yield Violation(field=f"{path}.labels", description=f"Label key {key!r} is not valid. {_LABELS}")
        if not _is_label(value, is_key=False):
            why = f"Label value {value!r} of {key!r} is not valid. {_LABELS}"
            yield Violation(field=f"{path}.labels", description=why)


def _is_label(text: str, *, is_key: bool) -> bool:
    # International letters are allowed, which have no upper case or are in lower case.
    is_spelled = text == text.lower() and all(letter in "_-" or letter.isalnum() for letter in text)
    return len(text) <= 64 and is_spelled and (not is_key or text[:1].isalpha())


def check_job_spec(spec: Document | None, path: str) -> Iterator[Violation]:
    """Find what is wrong with a CustomJobSpec."""
    pools = (spec or {}).get("worker_pool_specs", [])
    if not spec or not pools:
        yield Violation(field=f"{path}.worker_pool_specs", description=_REQUIRED)
        return
    if len(pools) > len(ROLES):
        why = f"At most {len(ROLES)} worker pools are allowed, not {len(pools)}."
        yield Violation(field=f"{path}.worker_pool_specs", description=why)
    for number, pool in enumerate(pools):
        yield from _check_pool(pool, number, f"{path}.worker_pool_specs[{number}]")
    uri = spec.get("base_output_directory", {}).get("output_uri_prefix")
    if uri is not None and not (_BUCKET_FOLDER.fullmatch(uri) and ".." not in uri.split("/")):
        why = f"{uri!r} is not a Cloud Storage path, such as gs://bucket/folder."
        yield Violation(field=f"{path}.base_output_directory.output_uri_prefix", description=why)
    if (network := spec.get("network")) and not _NETWORK.fullmatch(network):
        why = f"{network!r} is not a network, such as projects/12345/global/networks/my-network."
        yield Violation(field=f"{path}.network", description=why)
    yield from _check_tensorboard(spec, path)
    yield from _check_duration(spec.get("scheduling", {}), "timeout", f"{path}.scheduling")
    yield from _check_duration(spec.get("scheduling", {}), "max_wait_duration", f"{path}.scheduling")


def _check_tensorboard(spec: Document, path: str) -> Iterator[Violation]:
    name = spec.get("tensorboard")
    if name and not _TENSORBOARD.fullmatch(name):
        why = f"{name!r} is not a Tensorboard, such as projects/p/locations/us-central1/tensorboards/123."
        yield Violation(field=f"{path}.tensorboard", description=why)
    if name and not spec.get("service_account"):
        why = "A service account is needed where a Tensorboard is given."
        yield Violation(field=f"{path}.service_account", description=why)


def _check_duration(scheduling: Document, name: str, path: str) -> Iterator[Violation]:
    if str(scheduling.get(name, "")).startswith("-"):
        yield Violation(field=f"{path}.{name}", description=f"{scheduling[name]} is negative.")


def _check_pool(pool: Document, number: int, path: str) -> Iterator[Violation]:
    # A pool before the last one is skipped by an empty value.
    if not pool and number > 0:
        return
    count = int(pool.get("replica_count", 0))
    if number == 0 and count != 1:
        why = f"The replica count of the first worker pool must be 1, not {count}."
        yield Violation(field=f"{path}.replica_count", description=why)
    elif count < 1:
        yield Violation(field=f"{path}.replica_count", description=f"The replica count must be positive, not {count}.")
    yield from check_machine(pool.get("machine_spec", {}), f"{path}.machine_spec")
    tasks = [name for name in ("container_spec", "python_package_spec") if name in pool]
    if not tasks:
        why = f"{_REQUIRED} One of container_spec and python_package_spec must be given."
        yield Violation(field=f"{path}.task", description=why)
    for name in tasks:
        yield from _TASKS[name](pool[name], f"{path}.{name}")


def check_machine(machine: Document, path: str) -> Iterator[Violation]:
    """Find what is wrong with a MachineSpec."""
    name = machine.get("machine_type", "")
    if not name:
        yield Violation(field=f"{path}.machine_type", description=_REQUIRED)
    elif name not in MACHINES and name not in TPU_MACHINES:
        why = f'Machine type "{name}" is not supported.'
        yield Violation(field=f"{path}.machine_type", description=why)
    accelerator, count = machine.get("accelerator_type"), int(machine.get("accelerator_count", 0))
    if accelerator is not None and accelerator not in ACCELERATORS:
        why = f'Accelerator type "{accelerator}" is not supported.'
        yield Violation(field=f"{path}.accelerator_type", description=why)
    if (accelerator is not None) != (count > 0):
        why = "Accelerator type and a positive accelerator count must be given together."
        yield Violation(field=f"{path}.accelerator_count", description=why)


def _check_container(spec: Document, path: str) -> Iterator[Violation]:
    # Unverified: images that there are not, and those for GPUs on machines without one, are taken at creation.
    if not spec.get("image_uri"):
        yield Violation(field=f"{path}.image_uri", description=_REQUIRED)
    yield from _check_environment(spec, path)


def _check_python_package(spec: Document, path: str) -> Iterator[Violation]:
    for name in ("executor_image_uri", "package_uris", "python_module"):
        if not spec.get(name):
            yield Violation(field=f"{path}.{name}", description=_REQUIRED)
    uris = spec.get("package_uris", [])
    if len(uris) > _MOST_ITEMS:
        yield Violation(field=f"{path}.package_uris", description=f"At most {_MOST_ITEMS} packages are allowed.")
    for number, uri in enumerate(uris):
        if not _BUCKET_FOLDER.fullmatch(uri):
            why = f"{uri!r} is not a Cloud Storage path, such as gs://bucket/package.tar.gz."
            yield Violation(field=f"{path}.package_uris[{number}]", description=why)
    if (module := spec.get("python_module")) and not _MODULE.fullmatch(module):
        yield Violation(field=f"{path}.python_module", description=f"{module!r} is not the name of a Python module.")
    yield from _check_environment(spec, path)


def _check_environment(spec: Document, path: str) -> Iterator[Violation]:
    variables = spec.get("env", [])
    if len(variables) > _MOST_ITEMS:
        yield Violation(field=f"{path}.env", description=f"At most {_MOST_ITEMS} variables are allowed.")
    for number, variable in enumerate(variables):
        name = variable.get("name", "")
        if not _VARIABLE.fullmatch(name):
            why = f"{name!r} is not a valid C identifier." if name else _REQUIRED
            yield Violation(field=f"{path}.env[{number}].name", description=why)


_TASKS = {"container_spec": _check_container, "python_package_spec": _check_python_package}
