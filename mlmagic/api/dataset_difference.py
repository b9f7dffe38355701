"""Two versions of datasets side by side: what one has differently from the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.api.dataset_drift import drifts
from mlmagic.errors import MlmagicError
from mlmagic.spec.dataset import DatasetOrigin, DatasetSchema, DatasetVersion, InputFile
from mlmagic.spec.dataset_report import DatasetDiff, InputChange, InputDifference, Moved
from mlmagic.spec.model import ModelOrigin
from mlmagic.spec.report import Difference, FileDifference
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics, SplitStatistics

if TYPE_CHECKING:
    from mlmagic.session import Session

# Where packages have mlmagic's own modules.
_OWN = tuple(f"preprocessor/{name}" for name in ("preprocessing/", "statistics/", "spec/", "errors.py"))
# Less is what chance makes of a few thousand rows.
_LEAST_DISTANCE, _LEAST_MISSING = 0.01, 0.005
# Of the standard deviation. A few far values change it much, and the shares of bins hardly.
_LEAST_SHIFT = 0.05


class DatasetDifference(DatasetDiff):
    """What two versions have differently, shown as a panel."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import dataset_diff_bundle

        return dataset_diff_bundle(self)


def difference(session: Session, first: DatasetVersion, second: DatasetVersion) -> DatasetDifference:
    """Return what two versions have differently: rows, schema, values, features, and what they were made from."""
    statistics = [session.datasets.statistics(version) for version in (first, second)]
    splits = [_learned(each) for each in statistics]
    flags, code = differences_of_jobs(session, first.origin, second.origin)
    moved, compared = _moved(*splits)
    return DatasetDifference(
        first=str(first),
        second=str(second),
        rows=differences(_rows(first, statistics[0]), _rows(second, statistics[1])),
        columns=differences(_types(first.schema), _types(second.schema)),
        settings=(*differences(_settings(first.schema), _settings(second.schema)), *flags),
        moved=moved,
        compared=compared,
        features=differences(_features(first.schema), _features(second.schema)),
        inputs=_inputs(first.origin.inputs, second.origin.inputs),
        same_inputs=_same_inputs(first.origin.inputs, second.origin.inputs),
        code=tuple(file for file in code or () if not file.name.startswith(_OWN)),
        own_modules=sum(file.name.startswith(_OWN) for file in code or ()),
        is_code_known=code is not None,
    )


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the keys whose values differ, those of the first in their order, then those that only the second has."""
    return tuple(
        Difference(key=key, first=first.get(key), second=second.get(key))
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    )


def _learned(statistics: DatasetStatistics) -> SplitStatistics:
    splits = statistics.splits
    return splits.get("train") or next(iter(splits.values()), SplitStatistics(rows=0))


def _rows(version: DatasetVersion, statistics: DatasetStatistics) -> dict[str, str]:
    counts = statistics.rows
    known = version.schema.rows
    splits = {split: f"{known[split]:,}" for split in version.schema.splits}
    rejected = {f"rejected: {reason}": f"{count:,}" for reason, count in counts.rejected.items()}
    return {"read": f"{counts.read:,}", **splits, "removed by clean": f"{counts.removed:,}", **rejected}


def _types(schema: DatasetSchema) -> dict[str, str]:
    return {column.name: column.type.value for column in schema.columns}


def _settings(schema: DatasetSchema) -> dict[str, str]:
    rule = schema.split
    fractions = ", ".join(f"{split}={fraction:g}" for split, fraction in rule.fractions.items())
    starts = ", ".join(f"{split} from {start:%Y-%m-%d %H:%M:%S}" for split, start in rule.starts.items())
    told = {
        "target": schema.target,
        "key": schema.key,
        "split by": rule.column or rule.by.value,
        "split": starts or fractions,
    }
    return {key: value for key, value in told.items() if value}


def _features(schema: DatasetSchema) -> dict[str, str]:
    from mlmagic.panels.dataset_values import one_line_yaml

    return {name: one_line_yaml(value) for name, value in schema.features.items()}


def _moved(first: SplitStatistics, second: SplitStatistics) -> tuple[tuple[Moved, ...], int]:
    """Return the columns that moved, most first, and how many could be compared."""
    found = list(drifts(first, second))
    ones, others = ({column.name: column for column in split.columns} for split in (first, second))
    moved = [
        Moved(drift=drift, first=ones[drift.column], second=others[drift.column])
        for drift in found
        if drift.distance >= _LEAST_DISTANCE
        or abs(drift.missing) >= _LEAST_MISSING
        or _has_shifted(ones[drift.column], others[drift.column])
    ]
    return tuple(sorted(moved, key=lambda each: -max(each.drift.distance, abs(each.drift.missing)))), len(found)


def _has_shifted(first: ColumnStatistics, second: ColumnStatistics) -> bool:
    one, other = first.numeric, second.numeric
    if one is None or other is None:
        return False
    deviations = math.sqrt(one.variance), math.sqrt(other.variance)
    shift = max(abs(one.mean - other.mean), abs(deviations[0] - deviations[1]))
    return shift > _LEAST_SHIFT * max(deviations)


def _inputs(first: Sequence[InputFile], second: Sequence[InputFile]) -> tuple[InputDifference, ...]:
    ones, others = ({file.path: file for file in files} for files in (first, second))
    found = []
    for path in sorted({*ones, *others}):
        one, other = ones.get(path), others.get(path)
        if one is not None and other is not None and _is_same(one, other):
            continue
        change = InputChange.CHANGED if one and other else InputChange.REMOVED if one else InputChange.ADDED
        sizes = [None if file is None else file.size_bytes for file in (one, other)]
        found.append(InputDifference(path=path, change=change, first_bytes=sizes[0], second_bytes=sizes[1]))
    return tuple(found)


def _same_inputs(first: Sequence[InputFile], second: Sequence[InputFile]) -> int:
    ones = {file.path: file for file in first}
    return sum(file.path in ones and _is_same(ones[file.path], file) for file in second)


def _is_same(one: InputFile, other: InputFile) -> bool:
    return (one.size_bytes, one.digest) == (other.size_bytes, other.digest)


def differences_of_jobs(
    session: Session, first: DatasetOrigin | ModelOrigin, second: DatasetOrigin | ModelOrigin
) -> tuple[tuple[Difference, ...], tuple[FileDifference, ...] | None]:
    """Return how the jobs that made them differ in flags and code; None for code where that is not known any more."""
    from mlmagic.api.difference import diff_jobs

    jobs = (first.job_id, second.job_id)
    is_same_code = first.package_digest == second.package_digest
    if jobs[0] is None or jobs[1] is None or jobs[0] == jobs[1]:
        return (), () if is_same_code else None
    try:
        found = diff_jobs(jobs[0], jobs[1], session=session)
    except (MlmagicError, OSError):
        return (), () if is_same_code else None
    return found.flags, found.code
