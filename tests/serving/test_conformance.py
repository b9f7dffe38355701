"""The exam of endpoints, taken by those of this machine; models of ONNX start quickly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.cloud_endpoints import save_sums
from support.deployed import deploying_session
from support.kept_endpoints import register

from mlmagic.serving.endpoints import LocalEndpoints
from mlmagic.testing.endpoints import EndpointConformance, PredictionConformance


class TestLocalEndpoints(EndpointConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def endpoints(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoints]:
        with deploying_session(tmp_path_factory.mktemp("exam")) as session:
            yield session.local_endpoints


@pytest.mark.slow
class TestLocalSavedModels(PredictionConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def endpoints(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoints]:
        saved = tmp_path_factory.mktemp("models") / "saved"
        save_sums(saved)
        with deploying_session(tmp_path_factory.mktemp("exam"), versions=0) as session:
            register(session.workspace, 1, saved=saved)
            yield session.local_endpoints
