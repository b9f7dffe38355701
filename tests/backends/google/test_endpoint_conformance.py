"""The exam of endpoints, taken on the emulator; its models are SavedModels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.cloud_endpoints import cloud_session

from mlmagic.backends.google.endpoints import GoogleEndpoints
from mlmagic.testing.endpoints import EndpointConformance


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestEndpointsOnTheEmulator(EndpointConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def endpoints(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleEndpoints]:
        with cloud_session(tmp_path_factory.mktemp("cloud")) as session:
            yield session.cloud_endpoints("emulator")
