"""What a run is to do, settled before it begins: all that workers need, and nothing that they could not unpickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from mlmagic.errors import UsageError, nearest
from mlmagic.preprocessing.arguments import Arguments, RejectLimit
from mlmagic.preprocessing.clean import Cleaner
from mlmagic.preprocessing.probe import probe_columns
from mlmagic.preprocessing.reading.plan import plan_source
from mlmagic.preprocessing.reading.source import Source
from mlmagic.preprocessing.splits import Division, divide
from mlmagic.spec.dataset import Column, ColumnType, SplitBy
from mlmagic.spec.feature_declaration import declaration, read_features
from mlmagic.spec.features import FeatureKind

FEATURES_FILE = "features.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run."""

    cell: str
    """The module with `clean`."""
    source: Source
    output: str
    parts: str
    """The folder for what is not finished."""
    columns: tuple[Column, ...]
    """Of the cleaned rows."""
    target: str | None
    key: str | None
    division: Division
    max_rejected: RejectLimit
    features: Mapping[str, object] = field(default_factory=dict)
    """As they were declared, in normal form; none if they are to be inferred."""
    tokens: tuple[str, ...] = ()
    """Columns of text whose words are counted."""
    progress: str | None = None
    """The file that says how far units are, on this machine."""

    @property
    def needed(self) -> dict[str, str]:
        """The columns without which a row is no use, and what each is."""
        needed = {self.division.rule.column: "time"} if self.division.rule.by is SplitBy.TIME else {}
        if self.division.rule.by is SplitBy.KEY:
            needed[self.division.rule.column] = "key"
        return {**({self.target: "target"} if self.target else {}), **{k: v for k, v in needed.items() if k}}


def make_plan(arguments: Arguments, cell: ModuleType, parts: str) -> Plan:
    """Look at the input and at the cell.

    Raises:
        UsageError: files, columns or features that do not fit.
    """
    declared = _declared(cell)
    if declared is not None:
        read_features(declared)  # its form, before any file is opened
    cleaner = Cleaner(cell)
    source = plan_source(arguments.inputs, arguments.read)
    columns = probe_columns(source, cleaner)
    _check_columns(arguments, columns)
    features = () if declared is None else read_features(declared, columns, target=arguments.target, key=arguments.key)
    return Plan(
        cell=cell.__name__,
        source=source,
        output=arguments.output,
        parts=parts,
        columns=columns,
        target=arguments.target,
        key=arguments.key,
        division=divide(arguments.split),
        max_rejected=arguments.max_rejected,
        features=declaration(features),
        tokens=tuple(sorted({feature.columns[0] for feature in features if feature.kind is FeatureKind.TEXT})),
    )


def _declared(cell: ModuleType) -> Any:
    """Return the declaration of features, from the cell or from the file beside it."""
    file = Path(cell.__file__ or ".").with_name(FEATURES_FILE)
    if file.is_file():
        return json.loads(file.read_text("utf-8"))
    return getattr(cell, "features", None)


def _check_columns(arguments: Arguments, columns: tuple[Column, ...]) -> None:
    types = {column.name: column.type for column in columns}
    time = arguments.split.column if arguments.split.by is SplitBy.TIME else None
    named = {"--target": arguments.target, "--key": arguments.key, "--split-time": time}
    problems = [
        f"{flag} {name}: no such column. {nearest(name, types)}".rstrip()
        for flag, name in named.items()
        if name is not None and name not in types
    ]
    if time in types and types[time] not in (ColumnType.TIMESTAMP, ColumnType.DATE):
        problems.append(f"--split-time {time}: its values are of type {types[time]}, neither timestamps nor dates")
    if problems:
        raise UsageError(
            "Some columns do not fit.", problems=problems, hint=f"The cleaned rows have: {', '.join(types)}."
        )
