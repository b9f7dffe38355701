"""How two versions answer the same rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.errors import MlmagicError, NotFoundError
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.model_report import OutputDifference, PredictionDifference, RowDifference

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlmagic.api.model_difference import Data
    from mlmagic.session import Session

_MOST_ROWS = 10_000
"""Of a dataset; enough that the means do not change in what is shown."""
_SHOWN_ROWS, _SHOWN_VALUES = 5, 6
_ELEMENT = re.compile(r"(.+)_(\d+)")
_THRESHOLD = 0.5

_Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What both versions are asked about."""

    frame: pd.DataFrame
    source: str
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """An output of both, and by how much each row differs, on a scale that is the same for all outputs."""

    told: OutputDifference
    first: np.ndarray[Any, Any]
    second: np.ndarray[Any, Any]
    score: np.ndarray[Any, Any]
    has_classes: bool = False
    """Its vectors are the probabilities of classes."""


def compare_predictions(
    session: Session, first: ModelVersion, second: ModelVersion, *, data: Data = None, split: str | None = None
) -> tuple[PredictionDifference | None, str | None]:
    """Return how the answers differ, or why that cannot be told.

    Raises:
        MlmagicError: rows that were asked for cannot be had, or do not fit.
    """
    if first == second:
        return None, None
    try:
        rows = _find_rows(session, first, second, data, split)
        return _compare(session, first, second, rows), None
    except MlmagicError as error:
        # A page of differences is worth having without them, unless they were asked for.
        if data is not None or split is not None:
            raise
        return None, f"Predictions were not compared: {' '.join(str(error).split())}"


def _find_rows(session: Session, first: ModelVersion, second: ModelVersion, data: Data, split: str | None) -> _Rows:
    from mlmagic.api.datasets import dataset

    if data is not None and not isinstance(data, str):
        return _Rows(frame=data, source="the given data")
    reference = data or second.origin.dataset or first.origin.dataset
    if reference is None:
        raise NotFoundError(
            "neither was trained on a dataset.", hint="Name rows: --data DATASET, or a DataFrame as $data."
        )
    found = dataset(reference, session=session)
    known = found.schema.rows
    split = split or next((name for name in ("test", "eval", *known) if known.get(name)), "test")
    frame = found.read(split, limit=_MOST_ROWS)
    return _Rows(frame=frame, source=f"the {split} split of {found.version}", target=found.schema.target)


def _compare(session: Session, first: ModelVersion, second: ModelVersion, rows: _Rows) -> PredictionDifference:
    answers = [
        _outputs(_predict(session, version, rows.frame), version, classes)
        for version, classes in zip((first, second), _classes(first, second), strict=True)
    ]
    is_binary = rows.target in rows.frame and rows.frame[rows.target].nunique() == 2
    compared = [
        _compare_output(name, answers[0][name], answers[1][name], is_binary=is_binary)
        for name in answers[0]
        if name in answers[1] and answers[0][name].shape == answers[1][name].shape
    ]
    return PredictionDifference(
        source=rows.source,
        rows=len(rows.frame),
        outputs=tuple(each.told for each in compared),
        largest=tuple(_largest(compared, rows)),
    )


def _classes(first: ModelVersion, second: ModelVersion) -> tuple[_Classes, _Classes]:
    """Return the classes of their outputs: those of both in one order, so that the same numbers are compared."""
    ours, theirs = (
        {spec.name: spec.labels for spec in version.signature.outputs if spec.labels} if version.signature else {}
        for version in (first, second)
    )
    return ours, {
        name: ours[name] if name in ours and set(ours[name]) == set(labels) else labels
        for name, labels in theirs.items()
    }


def _predict(session: Session, version: ModelVersion, frame: pd.DataFrame) -> pd.DataFrame:
    from mlmagic.serving.prediction import predict_frame

    return predict_frame(session.predictors, version, session.models.path(version), frame)


def _outputs(frame: pd.DataFrame, version: ModelVersion, classes: _Classes) -> dict[str, np.ndarray[Any, Any]]:
    """Return the answers by output: of vectors, whose elements are columns of their own, a table."""
    import numpy as np

    from mlmagic.serving.frame_columns import handed_on_inputs
    from mlmagic.serving.results import vector_names

    handed_on = handed_on_inputs(version.signature) if version.signature else frozenset()
    columns = {str(name): frame[name].to_numpy() for name in frame.columns if name not in handed_on}
    groups = {name: [*vector_names(name, len(labels), labels)] for name, labels in classes.items()}
    known = {each for names in groups.values() for each in names}
    for name in [name for name in columns if name not in known]:
        match = _ELEMENT.fullmatch(name)
        if match and f"{match[1]}_0" in columns and match[1] not in columns:
            groups.setdefault(match[1], []).append(name)
    vectors = {name: np.column_stack([columns.pop(each) for each in names]) for name, names in groups.items()}
    return columns | vectors


def _compare_output(
    name: str, first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], *, is_binary: bool
) -> _Compared:
    import numpy as np

    if first.dtype.kind not in "fiub" or second.dtype.kind not in "fiub":
        differs = np.fromiter((str(a) != str(b) for a, b in zip(first, second, strict=True)), bool, len(first))
        told = OutputDifference(name=name, changed=_share(differs))
        return _Compared(told=told, first=first, second=second, score=differs.astype(float))
    one, other = first.astype(float), second.astype(float)
    apart = np.where(np.isnan(one) & np.isnan(other), 0.0, np.abs(one - other))
    of_rows = apart.max(axis=1) if apart.ndim == 2 and apart.shape[1] else apart.reshape(len(apart))
    # Where only one of them is no number, nothing differs more.
    of_rows = np.where(np.isnan(of_rows), np.inf, of_rows)
    has_classes = _are_probabilities(one) and _are_probabilities(other)
    told = OutputDifference(
        name=name,
        # That of probabilities, which add up to 1, is the same for any model.
        first=None if has_classes else _mean(one),
        second=None if has_classes else _mean(other),
        mean=_mean(apart),
        largest=float(of_rows.max()) if len(of_rows) else None,
        changed=_changed_class(one, other, has_classes=has_classes, is_binary=is_binary),
    )
    spread = float(np.nanstd(one)) if len(one) else 0.0
    score = of_rows / (spread or 1.0)
    return _Compared(told=told, first=first, second=second, score=score, has_classes=has_classes)


def _are_probabilities(values: Any) -> bool:
    """Say whether vectors tell how probable each of several classes is."""
    from mlmagic.evaluation.multiclass import are_probabilities

    return values.ndim == 2 and values.shape[1] > 1 and len(values) > 0 and are_probabilities(values)


def _changed_class(first: Any, second: Any, *, has_classes: bool, is_binary: bool) -> float | None:
    """Return for what part of the rows the most probable class is another one; None of what are no probabilities."""
    import numpy as np

    if has_classes:
        return _share(first.argmax(axis=1) != second.argmax(axis=1))
    if not is_binary or first.ndim != 1 or not all(np.all((each >= 0) & (each <= 1)) for each in (first, second)):
        return None
    return _share((first >= _THRESHOLD) != (second >= _THRESHOLD))


def _largest(compared: list[_Compared], rows: _Rows) -> list[RowDifference]:
    import numpy as np

    if not compared or rows.frame.empty:
        return []
    score = np.max([each.score for each in compared], axis=0)
    order = [at for at in np.argsort(-score, kind="stable")[:_SHOWN_ROWS] if score[at] > 0]
    columns = dict.fromkeys([*([rows.target] if rows.target in rows.frame else []), *rows.frame.columns])
    shown = [name for name in columns if name is not None][:_SHOWN_VALUES]
    return [
        RowDifference(
            row=str(rows.frame.index[at]),
            first=_told(compared, [each.first[at] for each in compared]),
            second=_told(compared, [each.second[at] for each in compared]),
            values={str(name): _text(rows.frame[name].iloc[at]) for name in shown},
        )
        for at in order
    ]


def _told(compared: Sequence[_Compared], values: Sequence[Any]) -> str:
    """Return what a version answered for a row: `3.142`, `rose (0.71)`, or several outputs by name."""
    texts = {
        each.told.name: _class_text(value) if each.has_classes else _text(value)
        for each, value in zip(compared, values, strict=True)
    }
    if len(texts) == 1:
        return next(iter(texts.values()))
    classes = [at for at, each in enumerate(compared) if each.has_classes]
    labels = [_text(value) for value in values if isinstance(value, str)]
    if len(texts) == 2 and len(classes) == 1 and len(labels) == 1:
        return f"{labels[0]} ({max(values[classes[0]]):.2f})"
    return ", ".join(f"{name} {text}" for name, text in texts.items())


def _class_text(value: Any) -> str:
    return f"class {value.argmax()} ({value.max():.2f})"


def _text(value: Any) -> str:
    from mlmagic.panels.numbers import number

    if getattr(value, "ndim", 0):
        return f"[{', '.join(_text(each) for each in value[:_SHOWN_VALUES])}{', …' * (len(value) > _SHOWN_VALUES)}]"
    return number(float(value)) if getattr(value, "dtype", None) is not None and value.dtype.kind == "f" else str(value)


def _share(differs: Any) -> float:
    return float(differs.mean()) if len(differs) else 0.0


def _mean(values: Any) -> float | None:
    import numpy as np

    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None
