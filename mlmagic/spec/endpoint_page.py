"""What the page of an endpoint shows."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.spec.endpoint import EndpointRecord
from mlmagic.spec.model import Signature
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPage(Noun):
    """An endpoint, and what somebody must know who wants to ask it."""

    record: EndpointRecord
    signature: Signature | None = None
    """Of the version that gets most of the requests."""
    token_file: str | None = None
    """Where the token lies; None if none is needed. The token itself is shown nowhere."""
