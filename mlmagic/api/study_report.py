"""All that is known about one study, read at one moment or again and again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mlmagic.api.description import describe, read_job_progress, read_log_tail
from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.report import JobDescription
from mlmagic.spec.study import Measurement, Promoted, Study, Trial
from mlmagic.spec.study_report import IMPORTANCE_TRIALS, StudyReport, TrialRun
from mlmagic.spec.usage import Usage

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.tuning.measurements import MetricReader
    from mlmagic.workspace.layout import Workspace

_MOST_POINTS = 60
"""So many of a curve can be told apart where it is drawn."""
_USAGE_PAUSE = 5.0


class StudyDescription(StudyReport):
    """A study's page, shown as a panel."""

    __slots__ = ()

    def plot(self, *kinds: str) -> StudyPlots:
        """Return charts, by default all: `history`, `parallel`, `slices`, `importance`.

        Raises:
            UsageError: there is no such kind.
        """
        from mlmagic.panels.study_charts import PlotKind

        known = [kind.value for kind in PlotKind]
        if unknown := [kind for kind in kinds if kind not in known]:
            raise UsageError(
                f"there is no plot {' or '.join(map(repr, unknown))}. {nearest(unknown[0], known)}".rstrip(),
                hint=f"Kinds: {', '.join(known)}.",
            )
        return StudyPlots(report=self, kinds=tuple(kinds) or tuple(known))

    def __repr__(self) -> str:
        return f"<StudyDescription of {self.study.id}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import study_bundle

        return study_bundle(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlots:
    """Charts of a study."""

    report: StudyReport
    kinds: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<StudyPlots of {self.report.study.id}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import study_plots
        from mlmagic.panels.study_charts import PlotKind

        return study_plots(self.report, [PlotKind(kind) for kind in self.kinds])


def report_study(
    backend: Backend, workspace: Workspace, study_id: str, *, now: datetime | None = None
) -> StudyDescription:
    """Return all that is known about a study now.

    Args:
        backend: where it runs.
        workspace: where its trials are written down.
        study_id: the id of the tuning job.
        now: the present time, if another.

    Raises:
        NotFoundError: there is no such job, or it is no study.
    """
    return StudyReader(backend, workspace, study_id).read(now=now)


class StudyReader:
    """Reads a study again and again; of trials that have ended, once."""

    def __init__(self, backend: Backend, workspace: Workspace, study_id: str) -> None:
        self._backend = backend
        self._workspace = workspace
        self._study_id = study_id
        self._ended: dict[int, TrialRun] = {}
        self._readers: dict[int, MetricReader] = {}
        self._importance: tuple[int, dict[str, float]] = (0, {})
        self._usage: Usage | None = None
        self._usage_time = 0.0

    def read(self, *, now: datetime | None = None) -> StudyDescription:
        """Return all that is known now; errors are those of `report_study`."""
        from mlmagic.workspace.studies import read_trials

        job = describe(self._backend, self._study_id, known_usage=self._recent_usage(), now=now)
        self._keep_usage(job.usage)
        spec = job.record.spec.study
        if spec is None:
            raise NotFoundError(f"{self._study_id} is no study.", hint="`%tune list` shows all studies.")
        trials = read_trials(self._workspace.job(self._study_id))
        study = Study(id=self._study_id, spec=spec, trials=trials)
        now = now or datetime.now(UTC)
        runs = tuple(self._run(study, trial, now) for trial in study.trials)
        return StudyDescription(
            study=study,
            job=job,
            reference=self._reference(job),
            runs=runs,
            importance=self._known_importance(study),
            eta_seconds=remaining_seconds(study, job, now),
            promoted=self._promoted(job),
        )

    def _recent_usage(self) -> Usage | None:
        # Of a long study there is much of it, and its page does not draw it.
        return self._usage if time.monotonic() - self._usage_time < _USAGE_PAUSE else None

    def _keep_usage(self, usage: Usage) -> None:
        if usage is not self._usage:
            self._usage, self._usage_time = usage, time.monotonic()

    def _promoted(self, job: JobDescription) -> Promoted | None:
        """Return the newest training job that follows the study, or why there is none that was to."""
        from mlmagic.filters.parser import parse
        from mlmagic.workspace.studies import read_promoted

        if not job.record.state.is_final:
            return None
        if made := self._backend.list(where=parse(f"fromStudy={self._study_id}"), limit=1):
            spec = self._backend.get(made[0].id).spec
            return Promoted(model=spec.model or spec.display_name, job=made[0].id)
        promoted = read_promoted(self._workspace.job(self._study_id))
        # A job that is no longer there was deleted.
        return promoted if promoted is not None and promoted.job is None else None

    def _reference(self, job: JobDescription) -> str:
        from mlmagic.filters.parser import parse

        name = job.record.spec.display_name
        newest = self._backend.list(limit=1, display_name=name, where=parse("kind=tuning"))
        return name if newest and newest[0].id == self._study_id else self._study_id

    def _run(self, study: Study, trial: Trial, now: datetime) -> TrialRun:
        known = self._ended.get(trial.number)
        if known is None:
            known = self._read_run(study, trial, now)
            if trial.state.is_final and (known.state is None or known.state.is_final):
                self._ended[trial.number] = known
                self._readers.pop(trial.number, None)
        return known

    def _read_run(self, study: Study, trial: Trial, now: datetime) -> TrialRun:
        try:
            record = self._backend.get(trial.job)
            log = "" if record.state.is_final else read_log_tail(self._backend, trial.job)
        except NotFoundError:
            return TrialRun(number=trial.number)
        end = record.end_time or now
        return TrialRun(
            number=trial.number,
            state=record.state,
            elapsed_seconds=(end - record.start_time).total_seconds() if record.start_time else None,
            progress=read_job_progress(record, log),
            curve=self._curve(study, trial, record),
        )

    def _curve(self, study: Study, trial: Trial, record: JobRecord) -> tuple[Measurement, ...]:
        from mlmagic.tuning.measurements import MetricReader

        reader = self._readers.get(trial.number)
        if reader is None:
            reader = MetricReader(self._workspace.job(trial.job), study.spec.metric)
            self._readers[trial.number] = reader
        return thinned(reader.read(record).values)

    def _known_importance(self, study: Study) -> dict[str, float]:
        """Return what mattered; it changes only when a trial has ended."""
        ended = sum(trial.final is not None for trial in study.trials)
        if ended != self._importance[0]:
            self._importance = ended, importance_of(study) if ended >= IMPORTANCE_TRIALS else {}
        return self._importance[1]


def importance_of(study: Study) -> dict[str, float]:
    """Return what mattered; nothing without the libraries that tell it: random and grid search need none of them."""
    from mlmagic.tuning.libraries import missing_for_importance

    if missing_for_importance():
        return {}
    from mlmagic.tuning.importance import importance

    return dict(importance(study))


def thinned(curve: Sequence[Measurement], most: int = _MOST_POINTS) -> tuple[Measurement, ...]:
    """Return as many points of a curve as can be told apart, the first and the last among them."""
    if len(curve) <= most:
        return tuple(curve)
    return tuple(curve[round(at * (len(curve) - 1) / (most - 1))] for at in range(most))


def remaining_seconds(study: Study, job: JobDescription, now: datetime) -> float | None:
    """Return how long a running study will still take if trials go on taking what they took; None if none has ended."""
    own = [trial for trial in study.trials if study.is_own(trial)]
    # With what passes between trials: from choosing the parameters to the end.
    took = [(trial.end_time - trial.suggest_time).total_seconds() for trial in own if trial.end_time is not None]
    if job.record.state is not JobState.RUNNING or not took:
        return None
    each = fmean(took)
    active = [trial for trial in own if not trial.state.is_final]
    left = [max(0.0, each - (now - trial.suggest_time).total_seconds()) for trial in active]
    to_come = max(0, study.spec.trials - len(own))
    lanes = max(1, min(study.spec.parallel, len(active) + to_come))
    return (sum(left) + to_come * each) / lanes
