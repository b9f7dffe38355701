"""What the process of a shadow is told first."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.serving.supervisor.table import VersionToServe
from mlmagic.spec.endpoint import Limits
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowWork(Noun):
    """What it loads, and where it is sent copies."""

    endpoint: str
    label: str
    """Such as `taxi@4`."""
    version: VersionToServe
    limits: Limits
    address: str
    """The socket to listen on."""
