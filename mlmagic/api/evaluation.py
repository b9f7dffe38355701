"""How well versions of models answer: metrics, curves and slices on rows whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_reference
from mlmagic.api.evaluation_answers import Answers
from mlmagic.api.evaluation_form import find_form, known_labels
from mlmagic.api.evaluation_rows import EvaluationRows, Wanted, find_rows
from mlmagic.api.evaluation_values import Values, is_present
from mlmagic.errors import PredictionError, UsageError
from mlmagic.spec.evaluation import EvaluationReport
from mlmagic.spec.model import ModelVersion, Signature
from mlmagic.spec.names import parse_model_reference

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.api.evaluation_outcomes import Outcomes
    from mlmagic.evaluation.outcome import Outcome
    from mlmagic.session import Session

_MOST = 4


class Evaluation(EvaluationReport):
    """Metrics of versions, shown as a panel. The extension shows its charts above it, which are `.charts` elsewhere."""

    __slots__ = ()

    @property
    def metrics(self) -> dict[str, float | None]:
        """The metrics of the last version by name; None where one is not defined."""
        return {metric.name: metric.value for metric in self.versions[-1].metrics}

    @property
    def charts(self) -> EvaluationCharts:
        """What the metrics look like."""
        return EvaluationCharts(report=self)

    def table(self) -> pd.DataFrame:
        """Return the metrics as a DataFrame, a row for each version."""
        from mlmagic.api.frames import frame_of

        rows = [{"version": each.version, **{m.name: m.value for m in each.metrics}} for each in self.versions]
        return frame_of(rows).set_index("version")

    def __repr__(self) -> str:
        return f"<Evaluation of {' and '.join(each.version for each in self.versions)} on {self.data}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import evaluation_bundle

        return evaluation_bundle(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCharts:
    """Charts of an evaluation."""

    report: EvaluationReport

    def __repr__(self) -> str:
        return f"<EvaluationCharts of {' and '.join(each.version for each in self.report.versions)}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import evaluation_chart_bundle

        return evaluation_chart_bundle(self.report)


def evaluate(
    model_ref: str,
    *others: str,
    data: Any = None,
    split: str | None = None,
    target: str | None = None,
    by: str | None = None,
    output: str | None = None,
    labels: str | Sequence[str] | None = None,
    positive: str | None = None,
    threshold: float | None = None,
    limit: int | None = None,
    importance: bool = False,
    session: Session | None = None,
) -> Evaluation:
    """Return how well a version answers; of several, how well each does, and how it differs from the first.

    Args:
        model_ref: `M` (its default version), `M@3` or `M@alias`.
        *others: versions to be compared with it, on the same rows.
        data: a dataset such as `taxi` or `taxi@1`, or a DataFrame; by default what the last version was trained on.
        split: of a dataset; by default `test`, or `eval` if it has no rows.
        target: the column that holds what is so; by default the dataset's target.
        by: a column; its values, or ranges of its numbers, are told apart.
        output: of a model with several outputs, the one that tells the target.
        labels: the classes in the order of the model's outputs, where that is not known.
        positive: of two classes, the one that metrics are told of; by default the one that the model's number is for.
        threshold: the probability above which a row counts as positive; by default what the model says itself, or 0.5.
        limit: look at this many rows at most, evenly spread.
        importance: tell which columns the versions need: each is shuffled five times, in at most 10,000 of the rows,
            and how much worse the first metric gets is told.
        session: another than this process's.

    Raises:
        NotFoundError: no such model, version or dataset.
        UsageError: what else does not fit; for example, which output tells the target is not known.
        PredictionError: the rows do not fit the model, or it failed.
    """
    from mlmagic.api.evaluation_classes import Goal
    from mlmagic.api.evaluation_outcomes import make_outcomes
    from mlmagic.session import current_session

    session = session or current_session()
    versions = _versions(session, (model_ref, *others))
    named = read_class_names(labels)
    if threshold is not None and (isinstance(threshold, bool) or not 0 < threshold < 1):
        raise UsageError(f"threshold is a probability between 0 and 1, not {threshold!r}.")
    wanted = Wanted(data=data, split=split, target=target, by=by, limit=limit)
    rows = find_rows(session, versions, wanted)
    found = _collect(session, versions, rows, output, named)
    goal = Goal(name=rows.target, values=found.target, positive=positive, threshold=threshold)
    report = _report(rows, found, make_outcomes(goal, found.answers), versions)
    if not importance:
        return report

    def outcomes_of(others: EvaluationRows) -> list[Outcome]:
        asked = _collect(session, versions, others, output, named)
        return make_outcomes(replace(goal, values=asked.target), asked.answers).each

    from mlmagic.api.evaluation_importance import find_importances

    return replace(report, importances=find_importances(versions, rows, outcomes_of))


def read_class_names(labels: object) -> tuple[str, ...]:
    """Check the names of classes: a sequence, or text with commas between them."""
    if labels is None:
        return ()
    found = labels.split(",") if isinstance(labels, str) else labels
    names = tuple(str(label).strip() for label in found) if isinstance(found, Sequence) else ()
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise UsageError(f"labels are two or more different names of classes, such as A,B,C, not {labels!r:.80}.")
    return names


def _versions(session: Session, references: Sequence[str]) -> list[ModelVersion]:
    found = [session.models.resolve(parse_model_reference(read_reference(each, "a version"))) for each in references]
    if len(found) > _MOST:
        raise UsageError(f"at most {_MOST} versions are evaluated side by side, not {len(found)}.")
    if len(set(map(str, found))) < len(found):
        raise UsageError(f"{' '.join(references)}: a version is compared with others than itself.")
    return found


@dataclass(slots=True, kw_only=True)
class _Collected:
    """What is so, and what the versions say, of the rows that have a target."""

    target: Values
    by: Values
    answers: list[Answers]
    rows: int = 0
    missing: int = 0


def _collect(
    session: Session, versions: Sequence[ModelVersion], rows: EvaluationRows, output: str | None, labels: Sequence[str]
) -> _Collected:
    """Ask the versions about the rows, part by part."""
    with ExitStack() as stack:
        asked = [stack.enter_context(_asked(session, version, rows, output, labels)) for version in versions]
        found = _Collected(target=Values(), by=Values(), answers=[each.answers for each in asked])
        for frame in rows.frames():
            known = frame[is_present(frame[rows.target])]
            found.rows += len(known)
            found.missing += len(frame) - len(known)
            if not len(known):
                continue
            found.target.add(known[rows.target])
            if rows.by:
                found.by.add(known[rows.by])
            for each in asked:
                each.ask(known, rows)
    if not found.rows:
        raise UsageError(f"no row of {_where(rows)} has a {rows.target}: there is nothing to compare answers with.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A version in its process."""

    predictor: Any
    signature: Signature
    answers: Answers

    def ask(self, frame: pd.DataFrame, rows: EvaluationRows) -> None:
        """Let it answer for some rows."""
        from mlmagic.serving.prediction import predict_rows
        from mlmagic.serving.rows import read_rows

        name = self.answers.name
        try:
            inputs = read_rows(rows.inputs(frame, self.signature), self.signature, name)
            outputs = predict_rows(self.predictor, inputs, self.signature)
        except PredictionError as error:
            raise PredictionError(
                f"{_where(rows)}: {error.message}", problems=error.problems, hint=error.hint
            ) from None
        self.answers.add(outputs, frame[rows.target])


@contextmanager
def _asked(
    session: Session, version: ModelVersion, rows: EvaluationRows, output: str | None, labels: Sequence[str]
) -> Iterator[_Asked]:
    with session.predictors.lease(version, session.models.path(version)) as predictor:
        signature = version.signature or predictor.signature
        form = find_form(version, signature, rows.target, output)
        answers = Answers(str(version), form, labels or form.labels or known_labels(session, version, rows.target))
        yield _Asked(predictor=predictor, signature=signature, answers=answers)


def _where(rows: EvaluationRows) -> str:
    return f"the split {rows.split} of {rows.data}" if rows.split else rows.data


def _report(
    rows: EvaluationRows, found: _Collected, outcomes: Outcomes, versions: Sequence[ModelVersion]
) -> Evaluation:
    from mlmagic.evaluation.outcome import evaluate_outcome
    from mlmagic.evaluation.slices import SLICE_METRICS, places_within, slices

    each = outcomes.each
    first = each[0]
    evaluated = [evaluate_outcome(outcome, None if outcome is first else first) for outcome in each]
    named = {metric.name for metric in evaluated[0].metrics}
    parts = places_within(found.by.parts(), outcomes.kept) if rows.by else []
    return Evaluation(
        task=outcomes.task,
        data=rows.data,
        split=rows.split,
        target=rows.target,
        rows=len(first.actual),
        without_target=found.missing,
        every=rows.every,
        positive=outcomes.positive,
        threshold=outcomes.threshold,
        classes=len(first.labels) or None,
        by=rows.by,
        slice_metrics=tuple(name for name in SLICE_METRICS[outcomes.task] if name in named) if rows.by else (),
        slices=slices(parts, each),
        versions=tuple(evaluated),
        notes=(*outcomes.notes, *_training_notes(rows, versions)),
    )


def _training_notes(rows: EvaluationRows, versions: Sequence[ModelVersion]) -> list[str]:
    """Return a warning where a version may have seen the rows when it was trained."""
    notes = []
    for version in versions:
        trained_on = version.origin.dataset
        if rows.split == "train" and trained_on == rows.data:
            notes.append(f"{version} was trained on these rows: others it may answer worse.")
        elif rows.split and trained_on and trained_on != rows.data:
            notes.append(f"{version} was trained on {trained_on}: it may have seen some of these rows.")
    return notes
