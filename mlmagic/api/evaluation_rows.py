"""The rows that versions are evaluated on: a split of a dataset, or a DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec.model import ModelVersion, Signature

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.session import Session
    from mlmagic.spec.dataset import DatasetVersion

_PART = 32_768
_SPLITS = ("test", "eval")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRows:
    """Rows with a target. `read` goes through them in parts, so that a large split needs little memory."""

    data: str
    split: str | None
    target: str
    by: str | None
    count: int
    every: int
    key: str | None
    read: Callable[[], Iterator[pd.DataFrame]]

    def frames(self) -> Iterator[pd.DataFrame]:
        """Yield each `every`th row."""
        start = 0
        for frame in self.read():
            yield frame if self.every == 1 else frame.iloc[-start % self.every :: self.every]
            start += len(frame)

    def inputs(self, frame: pd.DataFrame, signature: Signature) -> pd.DataFrame:
        """Return the columns that a version takes; of one whose one input is a vector, all but target and key."""
        names = {spec.name for spec in signature.inputs} & set(frame.columns)
        chosen = names or {name for name in frame.columns if name not in {self.target, self.key}}
        return frame[[name for name in frame.columns if name in chosen]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows are asked for; see `mlmagic.evaluate`."""

    data: Any = None
    split: str | None = None
    target: str | None = None
    by: str | None = None
    limit: int | None = None


def find_rows(session: Session, versions: Sequence[ModelVersion], wanted: Wanted) -> EvaluationRows:
    """Return the rows that are meant.

    Raises:
        NotFoundError: there is no such dataset.
        UsageError: what else does not fit, all of it.
    """
    problems = []
    limit = wanted.limit
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        problems.append(f"limit is a number of rows from 1, not {limit!r}")
        wanted = replace(wanted, limit=None)
    if hasattr(wanted.data, "columns") and hasattr(wanted.data, "iloc"):
        return _of_frame(session, versions, wanted, problems)
    return _of_dataset(session, versions, wanted, problems)


def _dataset(session: Session, versions: Sequence[ModelVersion], data: Any) -> DatasetVersion:
    """Return the dataset that is named, or else the one that the last version was trained on."""
    if data is not None:
        reference = str(data.version) if hasattr(data, "version") and hasattr(data, "schema") else data
        if not isinstance(reference, str):
            raise UsageError(
                f"data is a dataset, such as taxi or taxi@1, or a DataFrame, not {type(data).__name__} {data!r:.60}."
            )
        return session.datasets.resolve(reference)
    trained_on = next((version.origin.dataset for version in reversed(versions) if version.origin.dataset), None)
    shown = " ".join(map(str, versions))
    if trained_on is None:
        raise UsageError(
            f"{shown}: nothing is known of a dataset that it was trained on, so say what to evaluate with.",
            hint=f"%models evaluate {shown} --data DATASET, or %models evaluate {shown} $df --target COLUMN",
        )
    try:
        return session.datasets.resolve(trained_on)
    except NotFoundError as error:
        raise NotFoundError(
            f"{shown} was trained on {trained_on}, which is no longer there.",
            hint=f"Name another: %models evaluate {shown} --data DATASET",
        ) from error


def _of_dataset(
    session: Session, versions: Sequence[ModelVersion], wanted: Wanted, problems: list[str]
) -> EvaluationRows:
    from mlmagic.api.dataset_frames import iterate_frames

    dataset, split, by = _dataset(session, versions, wanted.data), wanted.split, wanted.by
    schema = dataset.schema
    names = [column.name for column in schema.columns]
    known = [name for name, rows in schema.rows.items() if rows]
    chosen = split or next((name for name in _SPLITS if name in known), known[0] if known else "")
    if chosen not in schema.rows:
        near = nearest(str(chosen), known) or f"Splits: {', '.join(known)}."
        problems.append(f"{dataset} has no split {chosen!r}. {near}")
    elif not schema.rows[chosen]:
        problems.append(f"the split {chosen} of {dataset} has no rows. Others: {', '.join(known) or 'none'}.")
    goal = wanted.target or schema.target
    _check_columns(str(dataset), goal, by, names, problems)
    _raise(problems)
    columns = {goal, by}.union(*(_inputs(version, names) for version in versions))
    wanted_columns = [name for name in names if name in columns]
    paths = session.datasets.shards(dataset, chosen)
    count = schema.rows[chosen]
    return EvaluationRows(
        data=str(dataset),
        split=chosen,
        target=str(goal),
        by=by,
        count=count,
        every=_every(count, wanted.limit),
        key=schema.key,
        read=lambda: iterate_frames(paths, wanted_columns, _PART),
    )


def _of_frame(
    session: Session, versions: Sequence[ModelVersion], wanted: Wanted, problems: list[str]
) -> EvaluationRows:
    frame: pd.DataFrame = wanted.data
    by = wanted.by
    names = [str(name) for name in frame.columns]
    if wanted.split is not None:
        problems.append(f"split {wanted.split!r}: a DataFrame has no splits")
    if not len(frame):
        problems.append("the DataFrame has no rows")
    goal = wanted.target or _known_target(session, versions)
    _check_columns("the DataFrame", goal, by, names, problems)
    problems += [f"the DataFrame has several columns {name!r}" for name in {goal, by} if names.count(str(name)) > 1]
    _raise(problems)
    columns = {goal, by}.union(*(_inputs(version, names) for version in versions))
    chosen = frame[[name for name in frame.columns if name in columns]]
    return EvaluationRows(
        data="a DataFrame",
        split=None,
        target=str(goal),
        by=by,
        count=len(frame),
        every=_every(len(frame), wanted.limit),
        key=None,
        read=lambda: (chosen.iloc[start : start + _PART] for start in range(0, len(chosen), _PART)),
    )


def _inputs(version: ModelVersion, names: Sequence[str]) -> set[str]:
    """Return the columns that a version may take; where they are not its inputs they are the parts of a vector."""
    inputs = {spec.name for spec in version.signature.inputs} if version.signature else set()
    return inputs & set(names) or set(names)


def _known_target(session: Session, versions: Sequence[ModelVersion]) -> str | None:
    for version in reversed(versions):
        if version.origin.dataset:
            try:
                return session.datasets.resolve(version.origin.dataset).schema.target
            except NotFoundError:
                continue
    return None


def _check_columns(what: str, target: str | None, by: str | None, names: Sequence[str], problems: list[str]) -> None:
    if not target:
        problems.append(f"{what} has no target: name the column that holds what is so, --target COLUMN")
    for name in (target, by):
        if name and name not in names:
            near = nearest(name, names) or f"It has {', '.join(names[:10])}{', …' * (len(names) > 10)}."
            problems.append(f"{what} has no column {name!r}. {near}")


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise UsageError("nothing can be evaluated so:", problems=problems)


def _every(count: int, limit: int | None) -> int:
    return 1 if limit is None else max(1, -(-count // limit))
