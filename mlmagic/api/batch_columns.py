"""Whether the first file has the columns that a batch prediction needs: told here, not by a job that fails."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.api.inputs import is_remote
from mlmagic.errors import MlmagicError, UsageError
from mlmagic.preprocessing.reading.header import delimiter_of, name_columns
from mlmagic.preprocessing.reading.options import Format, ReadOptions
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import ModelVersion

if TYPE_CHECKING:
    from mlmagic.serving.batch.arguments import Arguments

_CSV = (".csv", ".tsv", ".tab")
_HEAD = 1 << 18


def check_columns(words: Sequence[str], version: ModelVersion) -> None:
    """Check `--columns`, and what the model takes, against a file of this machine; what is unclear is left to the job.

    Args:
        words: of the program.
        version: that is asked.

    Raises:
        UsageError: columns that are not there, all of them.
    """
    if version.signature is None:
        return
    try:
        from mlmagic.serving.batch.arguments import parse_arguments
        from mlmagic.serving.batch.model_inputs import match_columns
        from mlmagic.serving.batch.model_outputs import model_outputs, prediction_names
        from mlmagic.serving.batch.output_columns import resolve_columns
    except ModuleNotFoundError:
        return  # Arrow or numpy, which the job asks for
    arguments = parse_arguments(words)
    if (names := _names(arguments)) is None:
        return
    errors = []
    try:
        match_columns(version.signature, names)
    except UsageError as error:
        errors.append(error)
    try:
        resolve_columns(arguments.columns, names, prediction_names(model_outputs(version, version.signature)))
    except UsageError as error:
        errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        problems = [problem for error in errors for problem in error.problems or (error.message,)]
        hints = [error.hint for error in errors if error.hint]
        raise UsageError("Some columns do not fit.", problems=problems, hint="\n".join(hints) or None)


def _names(arguments: Arguments) -> tuple[str, ...] | None:
    """Return the columns of all files as the first one has them; None where its beginning does not tell."""
    first = arguments.inputs[0]
    if is_remote(first):
        return None
    path = first if os.path.isfile(first) else min(glob.iglob(first, recursive=True), default=None)  # noqa: PTH113, PTH207
    if path is None:
        return None  # a DataFrame, which is written when the job starts
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD)
        kind = arguments.read.format
        if kind is not Format.CSV and head.startswith(b"PAR1"):
            return _parquet_names(path)
        is_csv = kind is Format.CSV or (kind is None and path.lower().endswith(_CSV))
        return _csv_names(path, head, arguments.read) if is_csv else None  # later lines of JSON may have more keys
    except (MlmagicError, OSError, ValueError):
        return None


def _parquet_names(path: str) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    return tuple(pq.read_schema(path).names)


def _csv_names(path: str, head: bytes, options: ReadOptions) -> tuple[str, ...] | None:
    import pyarrow as pa

    from mlmagic.preprocessing.reading.guess import type_of_texts

    line, end, _ = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").partition(b"\n")
    row = line.rstrip(b"\r").decode()
    if not row or not end or "\0" in row or "\r" in row or row.count('"') % 2:
        return None
    cells = next(csv.reader([row], delimiter=options.delimiter or delimiter_of(row, path)))
    if options.column_names:
        return options.column_names if len(options.column_names) == len(cells) else None
    names = name_columns(cells if options.has_header else [""] * len(cells), path)
    # A row of values is no header: the job says so, and what to do.
    is_sure = all(type_of_texts(pa.array([name])) is ColumnType.STRING for name in names)
    return names if is_sure else None
