"""An endpoint of a model that was trained on flights, and the requests that it logged, one flight each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from support.flights import TYPES, training_statistics
from support.monitored import NAME, NOON, endpoint

from mlmagic.serving.request_log.convert import convert_journals
from mlmagic.serving.request_log.records import Head, Logged, pack, pack_head
from mlmagic.session import Session
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec
from mlmagic.spec.statistics import DatasetStatistics, RowCounts

_JOURNAL_RECORDS = 150_000
"""About as many as are in one before it becomes Parquet."""


def flights_endpoint(session: Session, folder: Path) -> Path:
    """Write an endpoint that nobody has started, and return the folder of its log."""
    artifact = folder / "artifact"
    artifact.mkdir()
    (artifact / "saved_model.pb").write_bytes(b"not read")
    kinds = {name: "string" if kind is ColumnType.STRING else "float32" for name, kind in TYPES.items()}
    inputs = tuple(TensorSpec(name=name, dtype=kind, shape=(None,)) for name, kind in kinds.items())
    outputs = (TensorSpec(name="arr_delay", dtype="float32", shape=(None,)),)
    signature = Signature(inputs=inputs, outputs=outputs)
    version = session.models.register(
        "taxi", artifact, origin=ModelOrigin(), signature=signature, now=datetime.now(UTC)
    )
    train = training_statistics()
    statistics = DatasetStatistics(splits={"train": train}, rows=RowCounts(read=train.rows, written=train.rows))
    session.workspace.version("taxi", version.number).statistics.write_text(dumps(statistics))
    return endpoint(session, version.number)


def log_flights(folder: Path, rows: pd.DataFrame, *, is_converted: bool = False) -> None:
    """Log requests of a flight each, a millisecond apart, in place of what was logged before."""
    for old in folder.iterdir():
        old.unlink()
    lines = rows.to_json(orient="records", lines=True, double_precision=15).encode().split()
    began = int(NOON.timestamp() * 1e6)
    for start in range(0, len(lines), _JOURNAL_RECORDS):
        records = [
            Logged(began + at * 1000, at, 1, b'{"instances": [%b]}' % line, b'{"predictions": [[%d.5]]}' % (at % 97))
            for at, line in enumerate(lines[start : start + _JOURNAL_RECORDS], start)
        ]
        content = pack_head(Head(NAME, "taxi", None)) + pack(records)
        (folder / f".{records[0].time:020d}-1.journal").write_bytes(content)
    if is_converted:
        convert_journals(folder)
