from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kept_endpoints import KeptEndpoint, kept_endpoint


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[KeptEndpoint]:
    """An endpoint of a model with two versions, which serves the first."""
    with kept_endpoint(tmp_path, versions=2) as endpoint:
        yield endpoint
