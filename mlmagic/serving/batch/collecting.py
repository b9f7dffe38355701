"""The files of a pipeline elsewhere, brought to where a run here would have written them; may be done again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.serving.batch.arguments import Arguments
from mlmagic.serving.batch.manifest import MANIFEST, Manifest, Shard
from mlmagic.serving.batch.result import check_limit, sum_up
from mlmagic.serving.batch.run import complete
from mlmagic.serving.batch.work import UnitRecord, Work
from mlmagic.spec.batch import BatchResult
from mlmagic.spec.codec import loads
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import ANSWERS, NAMES


def collect(arguments: Arguments, folder: Path) -> BatchResult:
    """Put the files in their places, and return what came of the run.

    Args:
        arguments: of the program.
        folder: has the fetched files, and what files of this machine are called in the bucket.

    Raises:
        MlmagicError: the output holds something else by now, or too many rows were rejected.
    """
    manifest = loads(Manifest, (folder / ANSWERS / MANIFEST).read_bytes())
    names = json.loads((folder / NAMES).read_bytes())
    kind, target = Format(manifest.format), arguments.target
    work = Work(target, kind, manifest.units)
    with closing(work):
        work.open(manifest.fingerprint)
        there = {record.index for record in work.records()}
        placing = _Placing(work, folder / ANSWERS, names)
        for shard in manifest.shards:
            if shard.record.index not in there:
                placing.place(shard)
        records = work.records()
        if len(records) < manifest.units:
            raise MlmagicError(
                f"{len(records)} of {manifest.units} shards are there: others were removed while Dataflow predicted.",
                hint="Run it again: only what is missing is predicted.",
            )
        result = sum_up(manifest.label, target.path, target.errors, records)
        check_limit(arguments.max_rejected, result)
        complete(work, target, _schema(manifest, work, kind), kind)
    return result


def _schema(manifest: Manifest, work: Work, kind: Format) -> pa.Schema:
    if kind is Format.PARQUET:
        return pq.read_schema(work.shards()[0])
    return pa.schema([pa.field(name, pa.string()) for name in manifest.columns])  # only their names count


@dataclass(frozen=True, slots=True)
class _Placing:
    work: Work
    answers: Path
    names: Mapping[str, str]
    """Of files in the bucket that were brought there from here, their paths."""

    def place(self, shard: Shard) -> None:
        index = shard.record.index
        if shard.errors is not None:
            errors = self.work.errors(index)
            make_folder(errors.parent)
            self._write_errors(self.answers / shard.errors, errors)
        _copy(self.answers / shard.predictions, self.work.shard(index))
        self.work.finish(self._as_here(shard.record))

    def _as_here(self, record: UnitRecord) -> UnitRecord:
        samples = (replace(sample, file=self.names.get(sample.file, sample.file)) for sample in record.samples)
        return replace(record, samples=tuple(samples))

    def _write_errors(self, source: Path, target: Path) -> None:
        aside = target.with_name(f"{target.name}.part")
        with source.open("rb") as lines, aside.open("wb") as file:
            for line in lines:
                row = orjson.loads(line)
                row["file"] = self.names.get(row["file"], row["file"])
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)


def _copy(source: Path, target: Path) -> None:
    aside = target.with_name(f"{target.name}.part")
    with source.open("rb") as given, aside.open("wb") as file:
        shutil.copyfileobj(given, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)
