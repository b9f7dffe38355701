"""`shadow.json`: what was seen of an endpoint's shadow, from which another supervisor goes on where one was killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.endpoint import Shadow
from mlmagic.spec.noun import Noun
from mlmagic.spec.shadow import ShadowCounts
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.files import write_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRecord(Noun):
    """What was seen so far."""

    plan: Shadow
    counts: ShadowCounts = field(default_factory=ShadowCounts)
    dropped: int = 0
    since: datetime


def read_shadow(folder: EndpointFolder) -> ShadowRecord | None:
    """Return what was written last; None if there is nothing that can be read."""
    try:
        return loads(ShadowRecord, folder.shadow.read_bytes())
    except (OSError, DecodeError):
        return None


def write_shadow(folder: EndpointFolder, record: ShadowRecord | None) -> None:
    """Write it, whole or not at all; None: there is no shadow any more.

    Raises:
        OSError: it cannot be written.
    """
    if record is None:
        folder.shadow.unlink(missing_ok=True)
    else:
        write_atomic(folder.shadow, dumps(record), sync=False)
