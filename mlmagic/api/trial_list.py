"""The trials of a study, as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.frames import frame_of
from mlmagic.spec.study import Study, Trial

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.spec.study_report import StudyReport


class TrialList(Sequence[Trial]):
    """Trials of a study, shown and printed as a table."""

    def __init__(self, study: Study, report: Callable[[], StudyReport]) -> None:
        self._study = study
        # What their jobs say is read when they are shown.
        self._report = report

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each trial, with a column for each parameter and one for the metric."""
        spec = self._study.spec
        rows = [
            {
                "trial": trial.number,
                "state": trial.state.value,
                **{parameter.name: trial.parameters.get(parameter.name) for parameter in spec.parameters},
                spec.metric: None if trial.final is None else trial.final.value,
                "step": None if trial.final is None else trial.final.step,
                "seconds": None if trial.end_time is None else (trial.end_time - trial.suggest_time).total_seconds(),
                "stopped_early": trial.is_stopped_early,
                "reason": trial.reason,
                "job": trial.job,
            }
            for trial in self
        ]
        return frame_of(rows, numeric=[parameter.name for parameter in spec.parameters])

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Trial, ...]: ...
    def __getitem__(self, index: int | slice) -> Trial | tuple[Trial, ...]:
        return self._study.trials[index]

    def __len__(self) -> int:
        return len(self._study.trials)

    def __repr__(self) -> str:
        return f"<TrialList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import trials_bundle

        return trials_bundle(self._report())
