"""What a version's rows are compared with: the statistics of its training, which columns, and the rows of a slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlmagic.api.batch_words import trained_schema
from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec import codec
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec
from mlmagic.spec.monitoring import DataDriftSpec
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics, SplitStatistics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mlmagic.session import Session

_ONE = {(), (1,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is known of the rows that a version was trained on."""

    version: ModelVersion | None
    statistics: SplitStatistics | None
    """None where a model keeps none, such as one that was imported."""
    told: str
    """What it is, in words."""
    skipped: frozenset[str] = field(default_factory=frozenset)
    """Columns that no request has: target, key, and what the model does not take."""

    @property
    def columns(self) -> SplitStatistics:
        """Return the columns that windows are counted in; without statistics, what the signature takes."""
        if self.statistics is not None:
            return self.statistics
        signature = self.version.signature if self.version is not None else None
        specs = signature.inputs if signature is not None else ()
        return blank([(spec.name, _type_of(spec)) for spec in specs if spec.shape[1:] in _ONE])


def blank(columns: list[tuple[str, ColumnType]]) -> SplitStatistics:
    """Return the statistics of no rows at all."""
    return SplitStatistics(
        rows=0, columns=tuple(ColumnStatistics(name=name, type=kind, count=0) for name, kind in columns)
    )


def training_baseline(
    session: Session, version: ModelVersion | None, given: SplitStatistics | None, name: str, *, key: str | None = None
) -> Baseline:
    """Return what a version was trained on, or statistics that are given in its place.

    Args:
        session: that has it.
        version: None where statistics alone stand for a model.
        given: statistics in place of its own.
        name: of their file.
        key: the input that names an instance.
    """
    skipped = {key} if key is not None else set()
    if version is None:
        return Baseline(version=None, statistics=given, told=name, skipped=frozenset(skipped))
    statistics, told = given, name
    if statistics is None:
        statistics = version_statistics(session, version)
        source = f" ({version.origin.dataset})" if version.origin.dataset else ""
        told = f"what {version} was trained on{source}"
    schema = trained_schema(version, session)
    if schema is not None:
        skipped |= {name for name in (schema.key, schema.target) if name is not None}
    if statistics is not None and version.signature is not None:
        taken = {spec.name for spec in version.signature.inputs}
        skipped |= {column.name for column in statistics.columns} - taken
    return Baseline(version=version, statistics=statistics, told=told, skipped=frozenset(skipped))


def version_statistics(session: Session, version: ModelVersion) -> SplitStatistics | None:
    """Return the statistics of the training split that a version keeps."""
    path = session.workspace.version(version.model, version.number).statistics
    try:
        return codec.loads(DatasetStatistics, path.read_bytes()).splits.get("train")
    except (OSError, codec.DecodeError):
        return None


def training_rows(session: Session, version: ModelVersion | None) -> Iterator[Any]:
    """Yield the rows of the training split as record batches.

    Raises:
        UsageError: nobody knows them, or the dataset is no longer there.
    """
    import pyarrow.parquet as pq

    dataset = None if version is None else version.origin.dataset
    if dataset is None:
        raise UsageError(
            f"by: the slices of {version or 'statistics'} cannot be told, for the rows behind them are not known.",
            hint="Of an endpoint, compare with the window before: --against window",
        )
    try:
        resolved = session.datasets.resolve(dataset)
    except NotFoundError:
        raise UsageError(
            f"by: {version} was trained on {dataset}, which is no longer there, so its slices cannot be told.",
            hint="Of an endpoint, compare with the window before: --against window",
        ) from None
    for path in session.datasets.shards(resolved, "train"):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches()


def check_thresholds(spec: DataDriftSpec, baselines: Sequence[Baseline]) -> None:
    """Raise UsageError with the features that have a threshold, and are not compared."""
    known = {column.name for each in baselines for column in each.columns.columns if column.name not in each.skipped}
    there = f"There are {', '.join(sorted(known)[:20])}."
    problems = [
        f"no feature {name!r} is compared. {nearest(name, known) or there}"
        for name in spec.feature_alert_conditions
        if name not in known
    ]
    if problems:
        raise UsageError("threshold:", problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An output of a model as one column: a number or text, or of a vector the place of its highest number."""

    name: str
    type: ColumnType
    labels: tuple[str, ...] = ()

    def values(self, answers: Any) -> Any:
        """Return the column's values for an Arrow array of what was answered."""
        import pyarrow as pa
        import pyarrow.types as kinds

        if not (kinds.is_list(answers.type) or kinds.is_large_list(answers.type)):
            return answers
        places = highest_places(answers)
        largest = max(places.max(initial=-1), 0)
        names = [*self.labels, *map(str, range(len(self.labels), largest + 1))]
        return pa.array(names, pa.string()).take(pa.array(places, mask=places < 0))


def highest_places(lists: Any) -> npt.NDArray[np.int64]:
    """Return where in each list of an Arrow array its highest number is, the first of equal ones; -1 in one of none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    values, lengths = lists.flatten(), pc.list_value_length(lists).fill_null(0).to_numpy()
    if kinds.is_integer(values.type) or kinds.is_floating(values.type) or kinds.is_boolean(values.type):
        # What is no number is lower than any.
        numbers = values.cast(pa.float64(), safe=False).fill_null(-np.inf).to_numpy()
        numbers = np.where(np.isnan(numbers), -np.inf, numbers)
    else:
        numbers = np.full(len(values), -np.inf)
    has_some = lengths > 0
    starts = np.cumsum(lengths) - lengths
    places = np.full(len(lists), -1)
    if has_some.any():
        highest = np.maximum.reduceat(numbers, starts[has_some])
        are_highest = np.flatnonzero(numbers == np.repeat(highest, lengths[has_some]))
        owners, first = np.unique(
            np.repeat(np.flatnonzero(has_some), lengths[has_some])[are_highest], return_index=True
        )
        places[owners] = are_highest[first] - starts[owners]
    return places


def outputs_of(signature: Signature | None) -> tuple[Output, ...]:
    """Return the outputs whose drift can be told; not those that only hand an input on."""
    if signature is None:
        return ()
    inputs = {spec.name for spec in signature.inputs}
    return tuple(
        Output(name=spec.name, type=_type_of(spec) if is_one else ColumnType.STRING, labels=spec.labels)
        for spec in signature.outputs
        if spec.name not in inputs and ((is_one := spec.shape[1:] in _ONE) or len(spec.shape) == 2)
    )


def _type_of(spec: TensorSpec) -> ColumnType:
    if spec.dtype == "string":
        return ColumnType.STRING
    return ColumnType.BOOLEAN if spec.dtype == "bool" else ColumnType.FLOAT
