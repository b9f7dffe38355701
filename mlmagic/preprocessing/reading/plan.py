"""What is to be read, found out from the files: their format, their columns, their units."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mlmagic.errors import UsageError, nearest
from mlmagic.preprocessing.reading.delimited_plan import plan_delimited
from mlmagic.preprocessing.reading.files import Found, digest, find_files, read_range
from mlmagic.preprocessing.reading.json_lines import plan_json_lines
from mlmagic.preprocessing.reading.options import Format, ReadOptions
from mlmagic.preprocessing.reading.parquet import cut_parquet, plan_parquet
from mlmagic.preprocessing.reading.samples import cut_text
from mlmagic.preprocessing.reading.source import Piece, Source
from mlmagic.preprocessing.reading.text import GZIP
from mlmagic.preprocessing.reading.tfrecord import plan_tfrecord
from mlmagic.preprocessing.reading.types import Types
from mlmagic.preprocessing.reading.units import Cut, divide, uncut
from mlmagic.spec.dataset import Column, InputFile

_ENDINGS = {
    "csv": Format.CSV,
    "tsv": Format.CSV,
    "tab": Format.CSV,
    "txt": Format.CSV,
    "data": Format.CSV,
    "jsonl": Format.JSONL,
    "ndjson": Format.JSONL,
    "json": Format.JSONL,
    "parquet": Format.PARQUET,
    "pq": Format.PARQUET,
    "tfrecord": Format.TFRECORD,
    "tfrecords": Format.TFRECORD,
}
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"ARROW1": "an Arrow file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}

_PLANS: dict[Format, tuple[Callable[[Sequence[Found], ReadOptions], tuple[Types, list[Piece]]], Cut]] = {
    Format.CSV: (plan_delimited, cut_text),
    Format.JSONL: (plan_json_lines, cut_text),
    Format.PARQUET: (plan_parquet, cut_parquet),
    Format.TFRECORD: (plan_tfrecord, uncut),
}


def plan_source(patterns: Sequence[str], options: ReadOptions) -> Source:
    """Find the files and how to read them. It depends on them alone, so that a rerun reads the same rows.

    Raises:
        UsageError: files that are not there, cannot be read, or do not go together; all that are wrong at once.
    """
    if any(pattern.startswith("bq:") for pattern in patterns):  # `bq://project.dataset.table`, or `bq:SELECT …`
        from mlmagic.preprocessing.reading.bigquery import plan_bigquery  # needs Beam, which other inputs do not

        return plan_bigquery(patterns, options)
    files = find_files(patterns)
    kind = options.format or _one_format(files)
    plan, cut = _PLANS[kind]
    types, pieces = plan(files, options)
    _check(types, options)
    if not any(piece.stop > piece.start for piece in pieces):
        raise UsageError("There are no rows in the input.", problems=[f"{file.path}: no rows" for file in files[:20]])
    return Source(
        format=kind,
        columns=tuple(Column(name=name, type=of) for name, of in types.items()),
        options=options,
        units=divide(pieces, cut),
        files=tuple(
            InputFile(path=file.path, size_bytes=file.size, digest=digest(file.path, file.size)) for file in files
        ),
    )


def _one_format(files: Sequence[Found]) -> Format:
    formats: dict[Format, str] = {}
    problems = []
    for file in files:
        try:
            formats.setdefault(_format(file), file.path)
        except UsageError as error:
            problems.append(error.message)
    if problems:
        raise UsageError("The input cannot be read.", problems=problems, hint=_KNOWN)
    if len(formats) > 1:
        raise UsageError(
            "The input has files of several formats.",
            problems=[f"{path}: {kind}" for kind, path in formats.items()],
            hint="Read files of one format, or say which they are with --format.",
        )
    return next(iter(formats))


_KNOWN = "CSV, JSON lines, Parquet and TFRecord files can be read; text as UTF-8, and gzipped, too."


def _format(file: Found) -> Format:
    head = read_range(file.path, 0, 16)
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    for magic, told in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise UsageError(f"{file.path}: is {told}")
    name = re.sub(r"\.gz$", "", file.path.lower())
    ending = name.rpartition(".")[2] if "." in name.rpartition("/")[2] else ""
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if "tfrecord" in name.rpartition("/")[2]:
        return Format.TFRECORD
    if head.startswith(GZIP):
        return Format.CSV
    return Format.JSONL if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else Format.CSV


def _check(types: Types, options: ReadOptions) -> None:
    problems = [
        f"--types: there is no column {name}. {nearest(name, types)}".rstrip()
        for name in options.types
        if name not in types
    ]
    if problems:
        raise UsageError("The columns are others.", problems=problems, hint=f"There are {', '.join(list(types)[:50])}.")
