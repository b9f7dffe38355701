"""The trials of a study, as rows, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.frames import frame_of
from mlmagic.errors import NotFoundError
from mlmagic.spec.study import Study, Trial

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.spec.study_report import StudyReport


@dataclass(frozen=True, slots=True, kw_only=True)
class BestTrial:
    """The best trial of a study, shown with what can be done with it."""

    study: str
    """What the study can be called in a command."""
    metric: str
    trial: Trial

    @property
    def parameters(self) -> Mapping[str, str]:
        """Those that apply, as the command line has them."""
        return self.trial.parameters

    @property
    def value(self) -> float:
        """Of the metric."""
        return math.nan if self.trial.final is None else self.trial.final.value

    def __str__(self) -> str:
        from mlmagic.panels.numbers import number

        lines = [f"Trial {self.trial.number} of {self.study}: {self.metric} {number(self.value)}"]
        lines += [f"  --{name}={text}" for name, text in self.parameters.items()]
        return "\n".join([*lines, f"Next: %tune promote {self.study}   %jobs logs {self.study}/{self.trial.number}"])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(str(self))


def best_of(study: Study, reference: str) -> BestTrial:
    """Return the best trial of a study, which can be called so in a command.

    Raises:
        NotFoundError: none has succeeded yet.
    """
    best = study.best
    if best is None:
        raise NotFoundError(
            f"no trial of {reference} has succeeded.", hint=f"What became of them: %tune describe {reference}"
        )
    return BestTrial(study=reference, metric=study.spec.metric, trial=best)


_COLUMNS = frozenset({"trial", "state", "step", "seconds", "stopped_early", "reason", "job"})


class TrialList(Sequence[Trial]):
    """Trials of a study, shown and printed as a table."""

    def __init__(self, study: Study, report: Callable[[], StudyReport]) -> None:
        self._study = study
        # What their jobs say is read when they are shown.
        self._report = report

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each trial, with a column for each parameter and one for the metric.

        A parameter with the name of another column has two hyphens before its own: `--step`.
        """
        spec = self._study.spec
        taken = {*_COLUMNS, spec.metric}
        names = {each.name: f"--{each.name}" if each.name in taken else each.name for each in spec.parameters}
        rows = [
            {
                "trial": trial.number,
                "state": trial.state.value,
                **{column: trial.parameters.get(name) for name, column in names.items()},
                spec.metric: None if trial.final is None else trial.final.value,
                "step": None if trial.final is None else trial.final.step,
                "seconds": None if trial.end_time is None else (trial.end_time - trial.suggest_time).total_seconds(),
                "stopped_early": trial.is_stopped_early,
                "reason": trial.reason,
                "job": trial.job,
            }
            for trial in self
        ]
        return frame_of(rows, numeric=list(names.values()))

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
