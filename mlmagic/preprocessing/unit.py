"""What is done with one unit: read, clean, reject, divide, describe and write, a few ten thousand rows at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.preprocessing.clean import Cleaned, Cleaner, row_text
from mlmagic.preprocessing.normal import arrow_schema, conform
from mlmagic.preprocessing.plan import Plan
from mlmagic.preprocessing.progress import ProgressFile
from mlmagic.preprocessing.reading.batch import RawBatch
from mlmagic.preprocessing.reading.rejections import SCHEMA, Rejection, rejection_batch
from mlmagic.preprocessing.result import Result
from mlmagic.preprocessing.shards import REJECTED, PartWriter
from mlmagic.preprocessing.splits import Division, add_times, time_accumulator
from mlmagic.statistics.accumulator import SplitAccumulator


def process_unit(plan: Plan, division: Division, cleaner: Cleaner, index: int, batches: Iterator[RawBatch]) -> Result:
    """Write the parts of a unit and return what it tells. Memory is bounded by a few batches."""
    result = Result()
    progress = ProgressFile(plan.progress)
    with _Writers(plan, division, index, result) as writers:
        for raw in batches:
            result.read += raw.batch.num_rows + len(raw.rejected)
            writers.reject(raw.rejected)
            batch, rejected = usable_rows(plan, cleaner, raw)
            writers.reject(rejected)
            if batch is not None and batch.num_rows:
                writers.write(batch)
            progress.add(raw.bytes_done, raw.batch.num_rows + len(raw.rejected))
    return result


def find_times(plan: Plan, cleaner: Cleaner, batches: Iterator[RawBatch]) -> SplitAccumulator:
    """Count the times of a unit's usable rows."""
    column = plan.division.rule.column or ""
    times = time_accumulator(column)
    progress = ProgressFile(plan.progress)
    for raw in batches:
        batch, _ = usable_rows(plan, cleaner, raw)
        if batch is not None:
            add_times(times, batch, column)
        progress.add(raw.bytes_done, 0)
    return times


def usable_rows(plan: Plan, cleaner: Cleaner, raw: RawBatch) -> tuple[pa.RecordBatch | None, list[Rejection]]:
    """Return the cleaned rows in normal form, and those that cannot be used."""
    cleaned = cleaner(raw.batch)
    rejected = _failed(cleaned, raw)
    if cleaned.batch is None:
        return None, rejected
    batch = conform(cleaned.batch, plan.columns)
    for column, role in plan.needed.items():
        kind = batch.schema.field(column).type
        tests = {"missing": pc.is_null}
        if role == "target" and pa.types.is_floating(kind):
            tests["infinite"] = pc.is_inf  # a model that learned such a number would be NaN
        for what, find in tests.items():
            is_unusable = find(batch.column(column))
            if not pc.any(is_unusable).as_py():
                continue
            reason = f"{role} {column} is {what}"
            unusable = batch.filter(is_unusable).to_pylist()
            rejected += [_rejection(raw, reason, reason, row_text(row)) for row in unusable]
            batch = batch.filter(pc.invert(is_unusable))
    return batch, rejected


class _Writers(contextlib.ExitStack):
    """The parts of a unit, each with the statistics of its rows; deleted if the unit fails."""

    def __init__(self, plan: Plan, division: Division, index: int, result: Result) -> None:
        super().__init__()
        self._division = division
        self._result = result
        schema = arrow_schema(plan.columns)
        self._splits = [self._open(plan, name, index, schema) for name in division.names]
        self._statistics = [SplitAccumulator(plan.columns, tokens=plan.tokens) for _ in division.names]
        self._rejected = self._open(plan, REJECTED, index, SCHEMA)

    def write(self, batch: pa.RecordBatch) -> None:
        """Divide rows among the splits."""
        codes = pa.array(self._division.codes(batch))
        for code, (writer, statistics) in enumerate(zip(self._splits, self._statistics, strict=True)):
            rows = batch if len(self._splits) == 1 else batch.filter(pc.equal(codes, code))
            for group in writer.add(rows):
                statistics.add(group)

    def reject(self, rows: Sequence[Rejection]) -> None:
        """Count rejected rows and write them aside."""
        if rows:
            self._result.rejected.add(rows)
            for _ in self._rejected.add(rejection_batch(rows)):
                pass

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> bool | None:
        if kind is None:
            self._finish()
        return super().__exit__(kind, *rest)  # type: ignore[arg-type]

    def _open(self, plan: Plan, group: str, index: int, schema: pa.Schema) -> PartWriter:
        return self.enter_context(PartWriter(plan.parts, group, index, schema))

    def _finish(self) -> None:
        for writer, statistics, name in zip(self._splits, self._statistics, self._division.names, strict=True):
            for group in writer.finish():
                statistics.add(group)
            self._result.splits[name] = statistics
            self._keep(writer)
        for _ in self._rejected.finish():
            pass
        self._keep(self._rejected)

    def _keep(self, writer: PartWriter) -> None:
        part = writer.close()
        if part is not None:
            self._result.parts.append(part)


def _failed(cleaned: Cleaned, raw: RawBatch) -> list[Rejection]:
    return [_rejection(raw, row.reason, row.message, row.text) for row in cleaned.failed]


def _rejection(raw: RawBatch, reason: str, told: str, text: str) -> Rejection:
    # After cleaning, nobody knows the line any more: the text tells which row it was, and orders the samples.
    return Rejection(file=raw.path, offset=0, reason=reason, told=told, text=text)
