"""What came true, joined by key with what was answered: live quality, by version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlmagic.api.monitor_files import FileRows
from mlmagic.api.monitor_windows import Reader
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.evaluation import EvaluationReport
from mlmagic.spec.model import ModelVersion, Signature

if TYPE_CHECKING:
    from mlmagic.api.evaluation_answers import Answers
    from mlmagic.api.evaluation_values import Values
    from mlmagic.api.monitor_log import Period
    from mlmagic.evaluation.outcome import Outcome
    from mlmagic.session import Session

_LEAST_ROWS = 2
"""Of fewer no interval can be told."""
_SHOWN = 3
"""So many keys are named where none fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What came true, by key."""

    key: str
    target: str
    values: Mapping[str, Any]
    output: str | None = None
    """The output that tells the target, of versions that return several numbers."""
    notes: tuple[str, ...] = ()


def read_truth(rows: FileRows, key: str, target: str | None, known: Sequence[str], output: str | None = None) -> Truth:
    """Return what came true.

    Args:
        rows: of the file.
        key: the column that names a row.
        target: the column that holds what was so.
        known: what versions were trained to predict, if nothing is said.
        output: the output that tells it, if that is said.

    Raises:
        UsageError: there is no such column, or nothing tells which is the target.
    """
    values: dict[str, Any] = {}
    chosen, count, missing = None, 0, 0
    for batch in rows.batches():
        chosen = chosen or _target(batch.schema.names, key, target, known)
        for name, value in zip(batch.column(key).to_pylist(), batch.column(chosen).to_pylist(), strict=True):
            if name is None or value is None:
                missing += 1
            else:
                count += 1
                values[key_text(name)] = value
    if chosen is None or not values:
        raise UsageError("truth has no row with a key and a value.")
    notes = list(rows.notes)
    if twice := count - len(values):
        told = "row of truth repeats" if twice == 1 else "rows of truth repeat"
        notes.append(f"{twice:,} {told} the {key} of another; the last one counts.")
    if missing:
        notes.append(
            f"{missing:,} {'row of truth has' if missing == 1 else 'rows of truth have'} no {key} or no {chosen}."
        )
    return Truth(key=key, target=chosen, values=values, output=output, notes=tuple(notes))


def key_text(key: Any) -> str:
    """Return a key as text: `7`, `7.0` and `"7"` are the same one."""
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    return str(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How well a version answered."""

    report: EvaluationReport
    outcome: Outcome


def quality(
    session: Session, reader: Reader, version: ModelVersion, period: Period, truth: Truth
) -> tuple[Judged | None, list[str]]:
    """Return how well a version answered in a period, as far as that is known; and what there is to say about it."""
    if version.signature is None:
        return None, [f"{version}: its signature is not known, so its answers cannot be compared with the truth."]
    try:
        joined = _join(session, reader, version, period, truth)
        notes = _notes(version, truth, joined)
        return (None if joined.rows < _LEAST_ROWS else _judged(joined, truth)), notes
    except UsageError as error:
        # Other versions may be told of all the same.
        return None, [" ".join(filter(None, [f"{version}: {error.message}", error.hint]))]


@dataclass(slots=True, kw_only=True)
class _Joined:
    """The rows of a version whose truth is known."""

    answers: Answers
    goal: Values
    rows: int = 0
    total: int = 0
    without_key: int = 0
    some: list[str] = field(default_factory=list)
    """The first keys."""


def _join(session: Session, reader: Reader, version: ModelVersion, period: Period, truth: Truth) -> _Joined:
    from mlmagic.api.evaluation_answers import Answers
    from mlmagic.api.evaluation_form import find_form, known_labels
    from mlmagic.api.evaluation_values import Values

    form = find_form(version, version.signature or Signature(), truth.target, truth.output)
    answers = Answers(str(version), form, form.labels or known_labels(session, version, truth.target))
    joined = _Joined(answers=answers, goal=Values())
    names = [name for name in (form.score, form.label) if name is not None]
    for found in reader.instances(period, truth.key):
        joined.total += found.rows
        keys = found.inputs[truth.key].to_pylist() if truth.key in found.inputs else [None] * found.rows
        joined.without_key += sum(key is None for key in keys)
        joined.some += [key_text(key) for key in keys if key is not None][: _SHOWN - len(joined.some)]
        places = [at for at, key in enumerate(keys) if key is not None and key_text(key) in truth.values]
        if places:
            joined.rows += len(places)
            so = _series([truth.values[key_text(keys[at])] for at in places])
            joined.goal.add(so)
            predictions = {name: values.to_pylist() for name, values in found.predictions.items()}
            answers.add(_outputs(predictions, names, places), so)
    return joined


def _judged(joined: _Joined, truth: Truth) -> Judged:
    from mlmagic.api.evaluation_classes import Goal
    from mlmagic.api.evaluation_outcomes import make_outcomes
    from mlmagic.evaluation.outcome import evaluate_outcome

    outcomes = make_outcomes(Goal(name=truth.target, values=joined.goal), [joined.answers])
    (outcome,) = outcomes.each
    report = EvaluationReport(
        task=outcomes.task,
        data="what was served",
        target=truth.target,
        rows=len(outcome.actual),
        positive=outcomes.positive,
        threshold=outcomes.threshold,
        classes=len(outcome.labels) or None,
        versions=(evaluate_outcome(outcome),),
        notes=tuple(outcomes.notes),
    )
    return Judged(report=report, outcome=outcome)


def _notes(version: ModelVersion, truth: Truth, joined: _Joined) -> list[str]:
    if joined.total and joined.without_key == joined.total:
        told = f"no row that it answered has the input {truth.key}"
        return [f"{version}: {told}, so nothing can be joined; requests must send it."]
    if joined.total and not joined.rows:
        theirs, there = ", ".join(joined.some), ", ".join(islice(truth.values, _SHOWN))
        told = f"no {truth.key} of its {joined.total:,} rows is in truth"
        return [f"{version}: {told}. Theirs are {theirs}, …; those of truth {there}, …"]
    if joined.rows < joined.total:
        return [f"{version}: the truth is known of {joined.rows:,} of {joined.total:,} rows."]
    return []


def _target(names: Sequence[str], key: str, target: str | None, known: Sequence[str]) -> str:
    problems = []
    has = f"It has {', '.join(names)}."
    if key not in names:
        problems.append(f"key: truth has no column {key!r}. {nearest(key, names) or has}")
    others = [name for name in names if name != key]
    chosen = target or next((name for name in known if name in others), others[0] if len(others) == 1 else None)
    if chosen is None:
        problems.append(f"target: say which column of truth is what was so: {', '.join(others) or 'it has no other'}")
    elif chosen not in names:
        problems.append(f"target: truth has no column {chosen!r}. {nearest(chosen, names) or has}")
    if problems:
        raise UsageError("monitor cannot take these arguments:", problems=problems)
    return str(chosen)


def _outputs(predictions: Mapping[str, list[Any]], names: Sequence[str], places: Sequence[int]) -> dict[str, Any]:
    import numpy as np

    found = {}
    for name in names:
        logged = predictions.get(name) or (predictions["prediction"] if len(names) == 1 else [None] * (places[-1] + 1))
        values = [logged[at] for at in places]
        is_text = any(isinstance(value, str) for value in values)
        found[name] = np.array(values, dtype=object) if is_text else np.array(_filled(values), dtype=float)
    return found


def _filled(values: Sequence[Any]) -> Iterator[Any] | list[Any]:
    """Return numbers, with NaN where there is no answer."""
    width = next((len(value) for value in values if isinstance(value, list)), None)
    none: Any = float("nan") if width is None else [float("nan")] * width
    return [none if value is None else value for value in values]


def _series(values: list[Any]) -> Any:
    import pandas as pd

    return pd.Series(values)
