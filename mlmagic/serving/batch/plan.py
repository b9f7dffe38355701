"""What one run reads, asks and writes: found out, and checked, before the model is loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.plan import plan_source
from mlmagic.preprocessing.reading.source import READ_TYPES, Source
from mlmagic.serving.batch.arguments import Arguments
from mlmagic.serving.batch.model_inputs import ModelInput, match_columns
from mlmagic.serving.batch.model_outputs import ModelOutput, model_outputs, prediction_names
from mlmagic.serving.batch.output_columns import OutputColumn, resolve_columns
from mlmagic.serving.batch.target import Target
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.model import ModelVersion, Signature

_READ = frozenset({Format.CSV, Format.JSONL, Format.PARQUET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done with each unit."""

    label: str
    """Of the version: `taxi@2`."""
    signature: Signature
    source: Source
    types: Mapping[str, ColumnType]
    """What texts are to be parsed as that are read as they stand, so that the output has them so."""
    inputs: tuple[ModelInput, ...]
    outputs: tuple[ModelOutput, ...]
    columns: tuple[OutputColumn, ...]
    target: Target
    kind: Format
    """Of what is written."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of the output."""
        read = {column.name: READ_TYPES[column.type] for column in self.source.columns}
        types = read | {name: each.arrow_type(self.kind) for each in self.outputs for name in each.names}
        return pa.schema([pa.field(column.name, types[column.source]) for column in self.columns])

    @property
    def json_columns(self) -> frozenset[str]:
        """The columns of the output whose texts are JSON."""
        nested = {name for each in self.outputs if each.is_nested for name in each.names}
        nested |= {name for each in self.inputs if not each.is_scalar and not each.is_vector for name in each.columns}
        return frozenset(column.name for column in self.columns if column.source in nested)

    def fingerprint(self, version: ModelVersion) -> dict[str, str]:
        """Return all that the predictions depend on: what has another fingerprint is begun anew."""
        files = [(file.path, file.size_bytes, file.digest, _changed(file.path)) for file in self.source.files]
        return {
            "model": f"{version} of {version.create_time.isoformat()}",
            "input": hashlib.sha256(repr(files).encode()).hexdigest(),
            "units": str(len(self.source.units)),
            "format": self.kind,
            "reading": hashlib.sha256(
                repr((self.source.options, self.source.columns, sorted(self.types.items()))).encode()
            ).hexdigest(),
            "columns": ",".join(map(str, self.columns)),
            "signature": hashlib.sha256(dumps(self.signature).encode()).hexdigest(),
        }


def make_plan(arguments: Arguments, version: ModelVersion, signature: Signature) -> Plan:
    """Look at the files, and match their columns with what the model takes.

    Raises:
        UsageError: the files cannot be read, lack a column, or are the output; or a column of the output is not there.
    """
    source = _read_plan(arguments, signature)
    if source.format not in _READ:
        raise UsageError(
            f"Predictions are made for CSV, JSON lines and Parquet, not for {source.format}.",
            hint="Write the rows in one of these formats first.",
        )
    target = arguments.target
    if target.is_file and any(_same(file.path, target.path) for file in source.files):
        raise UsageError(f"--output {target.path} is one of the files that are read.", hint="Name another file.")
    kind = target.format or source.format
    names = tuple(column.name for column in source.columns)
    inputs = match_columns(signature, names)
    outputs = model_outputs(version, signature)
    columns = resolve_columns(arguments.columns, names, prediction_names(outputs))
    wanted = _wanted_columns(source, inputs, columns, kind, arguments)
    types: dict[str, ColumnType] = {}
    if _is_text(source, kind):
        types = {column.name: column.type for column in wanted if column.type is not ColumnType.STRING}
    read = (replace(column, type=ColumnType.STRING) if column.name in types else column for column in wanted)
    return Plan(
        label=str(version),
        signature=signature,
        source=replace(source, columns=tuple(read)),
        types=types,
        inputs=inputs,
        outputs=outputs,
        columns=columns,
        target=target,
        kind=kind,
    )


def _read_plan(arguments: Arguments, signature: Signature) -> Source:
    """Plan to read the files; arrays, which only JSON lines can hold as such, are read as text."""
    arrays = {spec.name: ColumnType.STRING for spec in signature.inputs if spec.shape[1:] not in {(), (1,)}}
    options = arguments.read
    try:
        return plan_source(arguments.inputs, options)
    except UsageError:
        if not arrays.keys() - options.types.keys():
            raise
        return plan_source(arguments.inputs, replace(options, types={**arrays, **options.types}))


def _wanted_columns(
    source: Source, inputs: Sequence[ModelInput], picked: Sequence[OutputColumn], kind: Format, arguments: Arguments
) -> tuple[Column, ...]:
    """Return the columns that are needed, and as what: as the model takes them, not as their values look."""
    by_column = {name: each for each in inputs for name in each.columns}
    used = by_column.keys() | {column.source for column in picked}
    if source.format is Format.JSONL:
        used |= {column.name for column in source.columns}  # a key that is no column is a fault there
    columns = []
    for column in source.columns:
        if column.name not in used:
            continue
        wanted = column.type
        if column.name in arguments.read.types:
            wanted = arguments.read.types[column.name]
        elif column.name in by_column:
            wanted = _wanted(column, by_column[column.name], source.format, arguments)
        elif _is_text(source, kind):
            wanted = ColumnType.STRING  # what the model does not take is copied as it stands there
        columns.append(Column(name=column.name, type=wanted))
    return tuple(columns)


def _is_text(source: Source, kind: Format) -> bool:
    """Whether the output can have the texts of the input."""
    return source.format is Format.CSV and kind is Format.CSV


def _wanted(column: Column, model_input: ModelInput, kind: Format, arguments: Arguments) -> ColumnType:
    if model_input.type is not ColumnType.STRING or not model_input.is_scalar:
        return model_input.type
    if column.name in arguments.text_types:
        return arguments.text_types[column.name]
    # Parquet knows what it holds; what stands in other files is text to begin with.
    return column.type if kind is Format.PARQUET else ColumnType.STRING


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - it may be of another file system
    except OSError:
        return 0


def _same(path: str, other: Path) -> bool:
    try:
        return other.exists() and os.path.samefile(path, other)  # noqa: PTH121
    except OSError:
        return False
