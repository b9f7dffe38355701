"""A model that keeps what it was trained on, an endpoint of it, and a request log as the endpoint writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from support.flights import statistics_of

from mlmagic.serving.request_log.records import Head, Logged, pack, pack_head
from mlmagic.session import Session
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature, TensorSpec
from mlmagic.spec.request_log import RequestLogging
from mlmagic.spec.statistics import DatasetStatistics, RowCounts
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

NAME = "rides"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TYPES = {"miles": ColumnType.FLOAT, "zone": ColumnType.STRING, "fare": ColumnType.FLOAT}
SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="miles", dtype="float32", shape=(None,)),
        TensorSpec(name="zone", dtype="string", shape=(None,)),
    ),
    outputs=(TensorSpec(name="fare", dtype="float32", shape=(None,)),),
)


def rides(count: int, *, seed: int, factor: float = 1.0, zones: Sequence[str] = ("north", "south")) -> dict[str, Any]:
    """Return rides; of the fare, 3 and 2 a mile."""
    chance = np.random.default_rng(seed)
    miles = chance.lognormal(1, 1, count) * factor
    return {"miles": miles, "zone": np.array(zones)[chance.integers(0, len(zones), count)], "fare": 3 + 2 * miles}


def training_statistics() -> str:
    """Return `statistics.json` of rides."""
    train = statistics_of(rides(5000, seed=0), TYPES)
    return dumps(DatasetStatistics(splits={"train": train}, rows=RowCounts(read=5000, written=5000)))


def register(
    session: Session, folder: Path, *, has_statistics: bool = True, dataset: str | None = None
) -> ModelVersion:
    """Make a version, of which nothing is loaded."""
    artifact = folder / "artifact"
    artifact.mkdir()
    (artifact / "saved_model.pb").write_bytes(b"not read")
    version = session.models.register(
        "taxi", artifact, origin=ModelOrigin(dataset=dataset), signature=SIGNATURE, now=datetime.now(UTC)
    )
    if has_statistics:
        session.workspace.version("taxi", version.number).statistics.write_text(training_statistics())
    return version


def endpoint(session: Session, *versions: int, log: RequestLogging | None = None) -> Path:
    """Write an endpoint that nobody has started, and return the folder of its log."""
    spec = EndpointSpec(
        name=NAME,
        model="taxi",
        deployed=tuple(DeployedVersion(number=number, traffic=100 // len(versions)) for number in versions),
        log=log,
        port=1,
        create_time=NOON,
        update_time=NOON,
    )
    EndpointStore(Database(session.workspace)).create(spec)
    folder = session.workspace.endpoint(NAME).requests
    folder.mkdir()
    return folder


def log(
    folder: Path,
    rows: Mapping[str, Any],
    *,
    version: int = 1,
    hour: float = 0.0,
    bias: float = 0.0,
    keys: Sequence[str] = (),
) -> None:
    """Log rows, ten to a request, a second apart: answered with the fare plus a bias, from so many hours past noon."""
    began = int(NOON.timestamp() * 1e6 + hour * 3.6e9)
    records = []
    for start in range(0, len(rows["miles"]), 10):
        chosen = range(start, min(start + 10, len(rows["miles"])))
        instances = [
            {"miles": float(rows["miles"][at]), "zone": str(rows["zone"][at])} | ({"id": keys[at]} if keys else {})
            for at in chosen
        ]
        answers = [float(rows["fare"][at]) + bias for at in chosen]
        request, reply = (json.dumps(body).encode() for body in ({"instances": instances}, {"predictions": answers}))
        records.append(Logged(began + start * 100_000, start, version, request, reply))
    content = pack_head(Head(NAME, "taxi", None)) + pack(records)
    (folder / f".{began:020d}-{version}.journal").write_bytes(content)
