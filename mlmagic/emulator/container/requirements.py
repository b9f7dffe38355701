"""Whether a requirement can be met in a container: by what its image declares, or by what is installed here.

What is installed here stands for the package index of the real thing: a version that is not here cannot be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from mlmagic.emulator.container.task import ContainerTask

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet


class Unsatisfied(Exception):  # noqa: N818 - pip calls it so
    """A requirement cannot be met; the message is what pip prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfied:
    """How a requirement is met."""

    name: str
    version: str
    is_preinstalled: bool
    with_extras: str = ""
    """As a requirement of any version, where it was installed."""


def satisfy(text: str, task: ContainerTask, *, origin: str = "") -> Satisfied | None:
    """Return how a requirement is met; None if its marker says that it does not apply. `origin`: who asks for it.

    Raises:
        Unsatisfied: it cannot be met.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise Unsatisfied(f"ERROR: Invalid requirement: {text!r}: {str(error).splitlines()[0]}") from None
    if requirement.marker is not None and not requirement.marker.evaluate(_marker_environment(task)):
        return None
    name = canonicalize_name(requirement.name)
    declared = task.distributions.get(name)
    if declared is not None and _has_version(declared, requirement.specifier):
        return Satisfied(name=name, version=declared, is_preinstalled=True)
    return _installed(requirement, name, task, f" (from {origin})" if origin else "")


def _installed(requirement: Requirement, name: str, task: ContainerTask, origin: str) -> Satisfied:
    try:
        here = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise Unsatisfied(_nothing_found(requirement, origin, "none")) from None
    if not requirement.specifier.contains(here.version, prereleases=True):
        raise Unsatisfied(_nothing_found(requirement, origin, here.version))
    requires_python = required_python(here)
    # An older version, for an older Python, is not here, and would be found there if none is pinned.
    if requirement.specifier and not takes_python(requires_python, task):
        ignored = f"{here.version} Requires-Python {requires_python}"
        first = f"ERROR: Ignored the following versions that require a different python version: {ignored}"
        raise Unsatisfied(f"{first}\n{_nothing_found(requirement, origin, 'none')}")
    wanted = f"{name}[{','.join(sorted(requirement.extras))}]" if requirement.extras else name
    return Satisfied(name=name, version=here.version, is_preinstalled=False, with_extras=wanted)


def required_python(distribution: metadata.Distribution) -> str | None:
    """Return which Pythons a distribution says that it needs."""
    required = distribution.metadata.json.get("requires_python")
    return None if required is None else str(required)


def takes_python(requires_python: str | None, task: ContainerTask) -> bool:
    """Say whether a distribution can be installed under the image's Python, as far as that is known."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if not requires_python or task.python is None:
        return True
    try:
        return SpecifierSet(requires_python).contains(task.python, prereleases=True)
    except InvalidSpecifier:
        return True


def other_python(name: str, requires_python: str | None, task: ContainerTask) -> str:
    """Return what pip prints of a distribution that another Python is needed for."""
    return f"ERROR: Package {name!r} requires a different Python: {task.python} not in {requires_python!r}"


def _has_version(declared: str, specifier: SpecifierSet) -> bool:
    """Say whether a version that begins so may be meant; of one that is not known, only where any will do."""
    if not declared:
        return not specifier
    if specifier.contains(declared, prereleases=True):
        return True
    # The image has some 2.17.x, and 2.17.1 is asked for.
    pinned = [one.version for one in specifier if one.operator in {"==", "==="}]
    return bool(pinned) and all(version.startswith(f"{declared}.") for version in pinned)


def _nothing_found(requirement: Requirement, origin: str, versions: str) -> str:
    return (
        f"ERROR: Could not find a version that satisfies the requirement {_shown(requirement)}{origin} "
        f"(from versions: {versions})\nERROR: No matching distribution found for {_shown(requirement)}{origin}"
    )


def _shown(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def _marker_environment(task: ContainerTask) -> dict[str, str]:
    environment = {"extra": ""}
    if task.python is not None:
        environment |= {"python_version": task.python, "python_full_version": f"{task.python}.0"}
    return environment
