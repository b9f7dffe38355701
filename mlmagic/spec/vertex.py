"""What a job asks of Vertex AI alone; on this machine it would mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlmagic.spec.noun import Noun

_ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NETWORK = re.compile(r"projects/\d+/global/networks/[a-z0-9-]+", re.ASCII)
_RESOURCE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexOptions(Noun):
    """What is not given is as the user's settings have it."""

    spot: bool = False
    """On machines that may be taken away at any time, which cost less."""
    service_account: str | None = None
    """As whom the program runs."""
    network: str | None = None
    """`projects/NUMBER/global/networks/NAME`, which machines are in."""
    image: str | None = None
    """The container image that it runs in."""
    persistent_resource: str | None = None
    """The id of machines that are there already."""

    @property
    def flags(self) -> tuple[str, ...]:
        """What is given, as flags: `--service-account`."""
        fields = ("spot", "service_account", "network", "image", "persistent_resource")
        return tuple(f"--{name.replace('_', '-')}" for name in fields if getattr(self, name))


def account_problem(account: str) -> str | None:
    """Say why this cannot be a service account."""
    if _ACCOUNT.fullmatch(account):
        return None
    return f"service account {account!r} is no address, as in trainer@my-project.iam.gserviceaccount.com"


def network_problem(network: str) -> str | None:
    """Say why this cannot be a network."""
    if _NETWORK.fullmatch(network):
        return None
    return f"network {network!r} is not of the form projects/NUMBER/global/networks/NAME"


def option_problems(options: VertexOptions) -> Iterator[str]:
    """Yield what cannot be right."""
    if options.service_account is not None and (problem := account_problem(options.service_account)):
        yield problem
    if options.network is not None and (problem := network_problem(options.network)):
        yield problem
    if options.image is not None and not re.fullmatch(r"[\w./:@-]+", options.image, re.ASCII):
        yield f"image {options.image!r} is no container image's address, as in python:3.11"
    if options.persistent_resource is not None and not _RESOURCE.fullmatch(options.persistent_resource):
        yield (
            f"persistent resource {options.persistent_resource!r} is no id: up to 63 lowercase letters, digits and -, "
            "a letter first"
        )
