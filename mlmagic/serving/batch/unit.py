"""One unit of the input: read, asked about, and written as a shard."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa

from mlmagic.preprocessing.reading.batch import RawBatch
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.rejections import Fault, Rejection, Tally
from mlmagic.preprocessing.reading.source import Piece, Unit
from mlmagic.serving.batch.asking import Asker
from mlmagic.serving.batch.misfits import Misfit, locate, row_text
from mlmagic.serving.batch.model_inputs import fit
from mlmagic.serving.batch.plan import Plan
from mlmagic.serving.batch.text_parser import TextParser
from mlmagic.serving.batch.work import UnitRecord, Work
from mlmagic.serving.batch.writing import open_writer
from mlmagic.workspace.files import make_folder

Told = Callable[[int, int], None]
"""Is told how many bytes and rows were read."""


def predict_unit(plan: Plan, unit: Unit, asker: Asker, work: Work, told: Told) -> UnitRecord:
    """Write the shard of a unit, note that it is finished, and return what was noted.

    Raises:
        UsageError: a file cannot be read to its end.
        PredictionError: the model fails on very many rows.
    """
    shard, errors = work.shard(unit.index), work.errors(unit.index)
    rejected = _Rejected(errors)
    parser = TextParser(plan.types, plan.source.options.null_values)
    read = written = 0
    aside = shard.with_name(f"{shard.name}.part")
    writer = open_writer(
        aside, plan.schema, plan.kind, has_header=not plan.target.is_file, json_columns=plan.json_columns
    )
    try:
        for piece in unit.pieces:
            reading = _PieceReading(plan, piece, asker, parser)
            for raw in read_unit(plan.source, Unit(index=unit.index, pieces=(piece,))):
                table = reading.predict(raw)
                rejected.write(raw.rejected)
                writer.write(table)
                rows = raw.batch.num_rows + len(raw.rejected)
                read, written = read + rows, written + table.num_rows
                told(raw.bytes_done, rows)
            rejected.write(reading.located())
    finally:
        writer.close()
        rejected.close()
    if rejected.tally.total:
        rejected.path.replace(errors)
    aside.replace(shard)
    record = UnitRecord(
        index=unit.index,
        read=read,
        written=written,
        size_bytes=unit.size,
        rejected=dict(rejected.tally.counts),
        samples=rejected.tally.samples(),
    )
    work.finish(record)
    return record


@dataclass(slots=True)
class _PieceReading:
    """The rows of a piece, as they come."""

    plan: Plan
    piece: Piece
    asker: Asker
    parser: TextParser
    _good: int = 0
    _misfits: list[Misfit] = field(default_factory=list)
    _unread: list[Rejection] = field(default_factory=list)

    def predict(self, raw: RawBatch) -> pa.Table:
        """Return the rows of the output."""
        self._unread += raw.rejected
        fitting = fit(raw.batch, self.plan.inputs, self.parser)
        predictions, failed = self.asker.ask(fitting.columns, fitting.rows.num_rows)
        faults = dict(fitting.faults)
        rows = fitting.rows
        if failed:
            fitted = [row for row in range(raw.batch.num_rows) if row not in faults]
            faults |= {fitted[row]: fault for row, fault in failed.items()}
            rows = rows.filter(pa.array([row not in failed for row in range(rows.num_rows)], pa.bool_()))
        self._note(raw.batch, faults)
        self._good += raw.batch.num_rows
        arrays = [
            predictions[column.source] if column.source in predictions else rows.column(column.source)
            for column in self.plan.columns
        ]
        return pa.table(arrays, schema=self.plan.schema)

    def _note(self, batch: pa.RecordBatch, faults: dict[int, Fault]) -> None:
        is_text = self.plan.source.format is not Format.PARQUET
        for row, fault in sorted(faults.items()):
            self._misfits.append(Misfit(self._good + row, fault, None if is_text else row_text(batch, row)))

    def located(self) -> Sequence[Rejection]:
        """Return the rows that do not fit, with their places."""
        if not self._misfits:
            return ()
        return tuple(locate(self.plan.source.format, self.piece, self._misfits, self._unread))


class _Rejected:
    """The file of a unit's rejected rows; there is none as long as there are no rows."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self.tally = Tally()
        self._file: BinaryIO | None = None

    def write(self, rows: Sequence[Rejection]) -> None:
        """Append rows."""
        if not rows:
            return
        if self._file is None:
            make_folder(self.path.parent)
            self._file = self.path.open("wb")
        self.tally.add(rows)
        self._file.writelines(orjson.dumps(_members(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)

    def close(self) -> None:
        """Write what is left, down to the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def _members(row: Rejection) -> dict[str, object]:
    text = None if row.text is None else row.text.encode("utf-8", "backslashreplace").decode()
    return {"file": row.file, "line": row.line, "reason": row.told, "text": text}
