"""The files that a batch prediction writes; they appear under their names when they are complete."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mlmagic.emulator.batch.instances import Instance
from mlmagic.emulator.batch.request import BatchRequest, PredictionsFormat
from mlmagic.workspace.files import make_folder

_INVALID = 3
"""google.rpc.Code.INVALID_ARGUMENT."""


class Shard:
    """The predictions and the failures of one input file."""

    def __init__(self, results: IO[str], errors: IO[str], request: BatchRequest) -> None:
        self.successful = 0
        self.failed = 0
        self._results = results
        self._errors = errors
        self._is_csv = request.predictions_format is PredictionsFormat.CSV
        self._table: Any = None
        self._columns: list[str] = []
        self._key = "instance" if request.key_field is None else "key"

    def write(self, instance: Instance, prediction: Any) -> None:
        """Write a prediction."""
        self.successful += 1
        if self._is_csv:
            self._write_row(instance.told, prediction)
        else:
            self._results.write(_line({self._key: instance.told, "prediction": prediction}))

    def refuse(self, instance: Instance, why: str) -> None:
        """Write why there is no prediction."""
        self.failed += 1
        self._errors.write(_line({self._key: instance.told, "error": {"code": _INVALID, "message": why}}))

    def _write_row(self, told: Any, prediction: Any) -> None:
        fields = told if isinstance(told, dict) else {self._key: told}
        if self._table is None:
            self._columns = list(fields)
            self._table = csv.writer(self._results, lineterminator="\n")
            self._table.writerow([*self._columns, "prediction"])
        self._table.writerow([*(_cell(fields.get(name)) for name in self._columns), _cell(prediction)])


@contextlib.contextmanager
def open_shard(request: BatchRequest, number: int, count: int) -> Iterator[Shard]:
    """Open the files for the input file `number` of `count`."""
    folder = Path(request.output)
    make_folder(folder)
    names = [folder / f"prediction.{kind}-{number:05d}-of-{count:05d}" for kind in ("results", "errors_stats")]
    # Beside the bucket's folder of that name, and so no objects.
    asides = [Path(f"{number}.{kind}.part") for kind in ("results", "errors")]
    with asides[0].open("w", encoding="utf-8", newline="") as results, asides[1].open("w", encoding="utf-8") as errors:
        yield Shard(results, errors, request)
    for aside, name in zip(asides, names, strict=True):
        aside.rename(name)


def _line(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
