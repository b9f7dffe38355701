"""Google's own client on the module's emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.vertex_clients import job_client

from mlmagic.emulator.launch import Emulator


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Iterator[Any]:
    """A client of JobService over REST."""
    with job_client(emulator) as made:
        yield made
