"""How far studies are and what their trials try: read from their files when these have changed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from mlmagic.api.study_notes import progress_text, trial_text
from mlmagic.errors import MlmagicError
from mlmagic.runtime.curve_points import sampled
from mlmagic.server.live import SPARKLINE_POINTS
from mlmagic.spec.codec import DecodeError
from mlmagic.spec.panel_rows import Headline
from mlmagic.spec.study import Study, StudySpec, Trial
from mlmagic.workspace.studies import read_trials, study_spec

if TYPE_CHECKING:
    from mlmagic.workspace.layout import Workspace

_MOST_STUDIES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyNow:
    """A study as a list tells it."""

    note: str
    fraction: float | None = None
    headline: Headline | None = None
    """The best value of the objective, and the values of the trials by number."""
    trials: dict[str, str] = field(default_factory=dict)
    """What to say of each trial, by the id of its job."""


@dataclass(slots=True)
class _Kept:
    spec: StudySpec
    state: tuple[int, int, int] | None
    now: StudyNow


class LiveStudies:
    """The studies of a workspace that were looked at last. Safe in threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def look(self, study_id: str) -> StudyNow | None:
        """Return how far a study is; None where that cannot be read, for a list is worth more than one of its lines."""
        with self._lock:
            try:
                state = self._state(study_id)
                kept = self._kept.pop(study_id, None)
                if kept is None or kept.state != state:
                    spec = study_spec(self._workspace, study_id) if kept is None else kept.spec
                    trials = read_trials(self._workspace.job(study_id))
                    kept = _Kept(spec, state, _told(Study(id=study_id, spec=spec, trials=trials)))
            except (MlmagicError, DecodeError, OSError):
                return None
            self._kept[study_id] = kept
            if len(self._kept) > _MOST_STUDIES:
                self._kept.popitem(last=False)
            return kept.now

    def _state(self, study_id: str) -> tuple[int, int, int] | None:
        try:
            status = self._workspace.job(study_id).trials.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


def _told(study: Study) -> StudyNow:
    done = sum(trial.state.is_final for trial in study.trials)
    return StudyNow(
        note=progress_text(study),
        fraction=min(1.0, done / study.total) if study.total else None,
        headline=_headline(study),
        trials={trial.job: trial_text(study, trial) for trial in study.trials},
    )


def _headline(study: Study) -> Headline | None:
    best = study.best
    if best is None or best.final is None:
        return None
    values = [_value(trial) for trial in study.trials if trial.final is not None]
    return Headline(name=study.spec.metric, value=best.final.value, points=tuple(sampled(values, SPARKLINE_POINTS)))


def _value(trial: Trial) -> float:
    return trial.final.value if trial.final is not None else float("nan")
