"""The log of a study: a line for whatever happens to a trial."""

from __future__ import annotations

from collections.abc import Callable

from mlmagic.runtime.tuned import began_text, ended_text, hypertune_lines
from mlmagic.spec.study import Algorithm, Goal, Study, StudySpec, Trial
from mlmagic.tuning.measurements import Measurements, Source

_ALGORITHMS = {Algorithm.BAYESIAN: "Bayesian search", Algorithm.GRID: "grid search", Algorithm.RANDOM: "random search"}


class Teller:
    """Says what happens, and what has to be said once only once."""

    def __init__(self, spec: StudySpec, say: Callable[[str], None]) -> None:
        self._spec = spec
        self.says = say
        """Say a line."""
        self._has_noticed = False
        self._has_complained = False

    def begins(self, study: Study) -> None:
        """Say what is searched, or how far an earlier attempt has come."""
        if ended := [trial for trial in study.trials if trial.state.is_final]:
            self.says(f"goes on: {'1 trial has' if len(ended) == 1 else f'{len(ended)} trials have'} ended")
            return
        goal = "maximize" if self._spec.goal is Goal.MAXIMIZE else "minimize"
        names = ", ".join(parameter.name for parameter in self._spec.parameters)
        at_once = f"{self._spec.parallel} at a time" if self._spec.parallel > 1 else "one after the other"
        trials = "1 trial" if self._spec.trials == 1 else f"{self._spec.trials} trials"
        self.says(
            f"{_ALGORITHMS[self._spec.algorithm]} over {names} to {goal} {self._spec.metric}: {trials}, {at_once}"
        )

    def began(self, trial: Trial) -> None:
        """Say that a trial was submitted."""
        self.says(began_text(self._spec, trial))

    def ended(self, trial: Trial, study: Study) -> None:
        """Say what became of a trial."""
        self.says(ended_text(study, trial))

    def measured(self, trial: Trial, measured: Measurements) -> None:
        """Say once where measurements stand if Vertex AI would not find them, and what is wrong with them."""
        if measured.problems and not self._has_complained:
            self._has_complained = True
            self.says(f"what trial {trial.number} reported is left out in part: {measured.problems[0]}")
        if measured.source is Source.TENSORBOARD and not self._has_noticed:
            self._has_noticed = True
            where = f"{self._spec.metric} is read from TensorBoard's scalars, which is possible on this machine alone."
            self.says("\n".join([where, *hypertune_lines(self._spec.metric)]))
