"""From what an endpoint logged to what happened: against the statistics that a model keeps of its training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from support.flights import statistics_of

from mlmagic.monitoring.compare import report
from mlmagic.monitoring.window import Window
from mlmagic.serving.request_log.instances import instances_of
from mlmagic.serving.request_log.log import RequestLog
from mlmagic.serving.request_log.reading import read_parts
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.request_log import RequestLogging
from mlmagic.spec.statistics import DatasetStatistics, RowCounts, SplitStatistics

TYPES = {"miles": ColumnType.FLOAT, "zone": ColumnType.STRING, "fare": ColumnType.FLOAT}


def _baseline() -> SplitStatistics:
    chance = np.random.default_rng(0)
    miles = chance.lognormal(1, 1, 5000)
    zones = np.array(["north", "south"])[chance.integers(0, 2, 5000)]
    train = statistics_of({"miles": miles, "zone": zones, "fare": 3 + 2 * miles}, TYPES)
    written = dumps(DatasetStatistics(splits={"train": train}, rows=RowCounts(read=5000, written=5000)))
    return loads(DatasetStatistics, written).splits["train"]


def _log(root: Path, factor: float) -> None:
    chance = np.random.default_rng(1)
    log = RequestLog(root, RequestLogging(sampling_rate=1.0), endpoint="rides", model="taxi")
    for miles in chance.lognormal(1, 1, 1000) * factor:
        request = {"instances": [{"miles": [miles], "zone": ["north", "south"][int(chance.integers(2))]}]}
        log.offer(1, json.dumps(request).encode(), b'{"predictions": [[1.0]]}')
    log.close()


def test_kilometres_in_requests_are_found(tmp_path: Path) -> None:
    baseline = _baseline()
    for factor, texts in ((1.0, []), (1.609344, ["miles: unit changed: factor 1."])):
        _log(tmp_path / f"log {factor}", factor)
        window = Window(baseline, skipped=["fare"])
        for part in read_parts(tmp_path / f"log {factor}"):
            for found in instances_of(part.table):
                window.add(found.inputs)
        found = report(baseline, window.values)
        assert found.current_count == 1000
        assert [finding.text[: len(text)] for finding, text in zip(found.findings, texts, strict=True)] == texts
