"""What a real endpoint was asked."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest
from support.deployed import deploying_session
from support.flights import statistics_of
from support.kept_endpoints import MODEL

from mlmagic.api.deployment import deploy
from mlmagic.api.monitor import monitor
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.monitoring import FindingKind
from mlmagic.spec.statistics import DatasetStatistics, RowCounts

PATIENCE_SECONDS = 60.0


@pytest.fixture
def session(tmp_path):
    with deploying_session(tmp_path, versions=1) as session:
        train = statistics_of({"x": np.random.default_rng(0).normal(0, 1, 2000)}, {"x": ColumnType.FLOAT})
        statistics = DatasetStatistics(splits={"train": train}, rows=RowCounts(read=2000, written=2000))
        session.workspace.version(MODEL, 1).statistics.write_text(dumps(statistics))
        yield session


def test_requests_of_a_running_endpoint_are_compared_and_joined(session):
    deploy(MODEL, min_replicas=1, log_sample=1, session=session)
    client = session.local_endpoints.client(MODEL)
    asked = np.random.default_rng(1).normal(3, 1, 500).astype("float32").tolist()
    for start in range(0, 500, 100):
        client.predict(json.dumps({"instances": [{"x": x} for x in asked[start : start + 100]]}).encode())
    client.close()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (log := session.endpoints.get(MODEL).status.log) is None or log.sampled < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = monitor(MODEL, session=session)
    assert (found.requests, found.rows) == (5, 500)
    assert [finding.kind for finding in found.findings] == [FindingKind.MEAN_SHIFTED]
    truth = pd.DataFrame({"x": asked, "y": np.array(asked) + 1})
    assert monitor(MODEL, truth=truth, key="x", session=session).quality[0].rows == 500
