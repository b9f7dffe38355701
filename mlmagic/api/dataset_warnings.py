"""What looks wrong in a dataset, as far as its statistics tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlmagic.api.dataset_drift import drifts
from mlmagic.spec.dataset import ColumnType, DatasetSchema, SplitBy
from mlmagic.spec.dataset_report import DatasetWarning, Drift, Leak, WarningKind
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics, SplitStatistics

_MOSTLY = 0.5
# Of fewer rows every column has nearly as many values.
_MANY_VALUES, _NEARLY_ALL = 100, 0.9
_FAR, _MISSING_FAR = 0.1, 0.05
_SPELLINGS = 1000


def dataset_warnings(
    schema: DatasetSchema, statistics: DatasetStatistics, leaks: Sequence[Leak] = ()
) -> tuple[DatasetWarning, ...]:
    """Return what looks wrong, column by column."""
    learned = _learned(statistics)
    found = [*_empty_splits(schema), *_leaks(leaks)]
    if learned is not None:
        split, known = learned
        for column in known.columns:
            found += _of_column(column, schema)
        for other, values in statistics.splits.items():
            if other != split:
                found += _of_splits(schema, known, other, values)
    return tuple(found)


def _learned(statistics: DatasetStatistics) -> tuple[str, SplitStatistics] | None:
    """Return the split that models learn from; None where none has rows."""
    splits: Mapping[str, SplitStatistics] = statistics.splits
    known = {split: values for split, values in splits.items() if values.rows}
    return next(((split, known[split]) for split in ("train", *known) if split in known), None)


def _empty_splits(schema: DatasetSchema) -> Iterator[DatasetWarning]:
    splits = {split: schema.rows.get(split, 0) for split in (*schema.split.fractions, *schema.rows)}
    for split, rows in splits.items():
        if not rows:
            yield DatasetWarning(kind=WarningKind.NO_ROWS, subject=split, detail="0 rows")


def _leaks(leaks: Sequence[Leak]) -> Iterator[DatasetWarning]:
    for leak in leaks:
        told = f"{100 * min(leak.score, 0.9999):.2f} % of it"
        yield DatasetWarning(kind=WarningKind.LEAK, subject=leak.column, detail=told)


def _of_column(column: ColumnStatistics, schema: DatasetSchema) -> Iterator[DatasetWarning]:
    rows = column.count + column.missing
    if not column.count:
        yield _warning(WarningKind.EMPTY, column, f"{column.missing:,} missing")
        return
    if column.unique == 1 and column.is_unique_exact:
        gaps = f", and {column.missing:,} missing" if column.missing else ""
        yield _warning(WarningKind.CONSTANT, column, f"{_only_value(column)}{gaps}")
    if column.missing > _MOSTLY * rows:
        yield _warning(WarningKind.MOSTLY_MISSING, column, f"{100 * column.missing / rows:.1f} %")
    if column.name != schema.key and _is_identifier(column):
        yield _warning(WarningKind.CARDINALITY, column, f"{column.unique:,} in {column.count:,} rows")
    if spelled := _spellings(column):
        yield _warning(WarningKind.SPELLING, column, spelled)


def _warning(kind: WarningKind, column: ColumnStatistics, detail: str) -> DatasetWarning:
    return DatasetWarning(kind=kind, subject=column.name, detail=detail)


def _only_value(column: ColumnStatistics) -> str:
    if column.vocabulary is not None and column.vocabulary.values:
        return repr(column.vocabulary.values[0].value)[:40]
    return f"{column.numeric.minimum:g}" if column.numeric is not None else "one value"


def _is_identifier(column: ColumnStatistics) -> bool:
    """Say whether a column seems to name its rows: texts that hardly recur, or whole numbers without gaps."""
    if column.unique < _MANY_VALUES or column.unique < _NEARLY_ALL * column.count:
        return False
    if column.type is ColumnType.STRING:
        return True
    if column.type is not ColumnType.INTEGER or column.numeric is None:
        return False
    # A split has only some of the numbers; a measurement has far more to choose from.
    return column.numeric.maximum - column.numeric.minimum < 20 * column.count


def _spellings(column: ColumnStatistics) -> str | None:
    """Return an example of values that differ in case or blanks alone; None where there are none."""
    if column.type is not ColumnType.STRING or column.vocabulary is None:
        return None
    seen: dict[str, str] = {}
    pairs = []
    for counted in column.vocabulary.values[:_SPELLINGS]:
        folded = " ".join(counted.value.casefold().split())
        if folded in seen:
            pairs.append((seen[folded], counted.value))
        seen.setdefault(folded, counted.value)
    if not pairs:
        return None
    example = f"{pairs[0][0]!r:.30} and {pairs[0][1]!r:.30}"
    return example if len(pairs) == 1 else f"{example}, and {len(pairs) - 1:,} more"


def _of_splits(
    schema: DatasetSchema, known: SplitStatistics, other: str, values: SplitStatistics
) -> Iterator[DatasetWarning]:
    # Times of splits by time differ, and so do the names of rows.
    skipped = {schema.key, schema.split.column if schema.split.by is SplitBy.TIME else None}
    for drift in drifts(known, values, skipped):
        told = _far(drift)
        if told:
            yield DatasetWarning(kind=WarningKind.SPLITS_DIFFER, subject=drift.column, detail=f"{other}: {told}")


def _far(drift: Drift) -> str | None:
    """Return by how much two splits differ; None where it may be chance, or little."""
    told = []
    if drift.distance > _FAR + drift.noise:
        told.append(f"{drift.measure} {drift.distance:.2f}")
    if abs(drift.missing) > _MISSING_FAR + drift.noise:
        told.append(f"{100 * drift.missing:+.0f} % missing")
    return ", ".join(told) or None
