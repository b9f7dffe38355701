"""Cloud Storage's own client, and a bucket for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Iterator[Any]:
    """The real client, which finds the emulator by its variables."""
    from google.cloud import storage

    with_emulator = storage.Client()
    yield with_emulator
    with_emulator.close()


@pytest.fixture
def bucket(client: Any) -> Any:
    """A new bucket."""
    return client.create_bucket(f"bucket-{next(_NUMBERS)}", location="europe-west4")
