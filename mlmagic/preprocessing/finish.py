"""The end of a run: the limit on rejected rows, shards under their names, and what the dataset says of itself."""

from __future__ import annotations

from collections.abc import Mapping

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing import storage
from mlmagic.preprocessing.inference import infer_features
from mlmagic.preprocessing.plan import Plan
from mlmagic.preprocessing.result import Result
from mlmagic.preprocessing.shards import place, rows_by_split
from mlmagic.preprocessing.splits import Division
from mlmagic.spec.codec import dumps
from mlmagic.spec.dataset import DatasetOrigin, DatasetSchema
from mlmagic.spec.statistics import DatasetStatistics, RejectedRow, RowCounts, SplitStatistics

ORIGIN, STATISTICS, SCHEMA = "origin.json", "statistics.json", "schema.json"
_SHOWN = 12


def finish(plan: Plan, division: Division, result: Result) -> None:
    """Make a dataset of the parts. `schema.json` comes last: a folder with it is complete.

    Raises:
        MlmagicError: too many rows were rejected, or none is left to train on.
    """
    rows = rows_by_split(result.parts, division.names)
    counts = count_rows(result, sum(rows.values()))
    _check_limit(plan, counts)
    if not rows["train"]:
        raise _nothing_left(counts, rows)
    splits = {name: result.splits[name].result() for name in division.names}
    features, are_inferred = _features(plan, splits["train"])
    schema = DatasetSchema(
        columns=plan.columns,
        target=plan.target,
        key=plan.key,
        features=features,
        are_features_inferred=are_inferred,
        split=division.final_rule,
        rows=rows,
    )
    place(result.parts, plan.output)
    _write(plan, ORIGIN, dumps(DatasetOrigin(inputs=plan.source.files)))
    _write(plan, STATISTICS, dumps(DatasetStatistics(splits=splits, rows=counts), indent=None))
    _write(plan, SCHEMA, dumps(schema))
    storage.delete(plan.parts)


def count_rows(result: Result, written: int) -> RowCounts:
    """Return what became of the rows."""
    return RowCounts(
        read=result.read,
        written=written,
        removed=result.read - written - result.rejected.total,
        rejected=dict(sorted(result.rejected.counts.items())),
        samples=result.rejected.samples(),
    )


def told(sample: RejectedRow) -> str:
    """Return a rejected row in one line."""
    place = f"{sample.file}:{sample.line}" if sample.line is not None else sample.file
    return f"{place}: {sample.reason}" + (f" in {sample.text:.120}" if sample.text else "")


def _check_limit(plan: Plan, counts: RowCounts) -> None:
    if plan.max_rejected.allows(counts.rejected_rows, counts.read):
        return
    reasons = [f"{number:,} times {reason}" for reason, number in _most_frequent(counts.rejected)]
    raise MlmagicError(
        f"{counts.rejected_rows:,} of {counts.read:,} rows were rejected: more than "
        f"--max-rejected {plan.max_rejected} allows.",
        problems=[*reasons, *(f"such as {told(sample)}" for sample in counts.samples[:_SHOWN])],
        hint=_advice(counts),
    )


def _most_frequent(rejected: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(rejected.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]


def _advice(counts: RowCounts) -> str:
    mistyped = sorted({reason.partition(": not a")[0] for reason in counts.rejected if ": not a" in reason})
    if not mistyped:
        return "Mend or leave out such rows in clean, or raise --max-rejected."
    return (
        "Say what stands for a missing value, with --null-values; or read as text, with --types "
        f"{','.join(f'{name}=string' for name in mistyped)}, and mend it in clean; or raise --max-rejected."
    )


def _nothing_left(counts: RowCounts, rows: Mapping[str, int]) -> MlmagicError:
    divided = ", ".join(f"{name} {number:,}" for name, number in rows.items())
    return MlmagicError(
        f"No row is left to train on: of {counts.read:,} that were read, {counts.removed:,} were removed by clean, "
        f"{counts.rejected_rows:,} rejected, and the splits got {divided}.",
    )


def _features(plan: Plan, train: SplitStatistics) -> tuple[Mapping[str, object], bool]:
    if plan.features:
        return plan.features, False
    return infer_features(plan.columns, train, plan.target, plan.key), True


def _write(plan: Plan, name: str, text: str) -> None:
    storage.write_text(storage.join(plan.output, name), text)
