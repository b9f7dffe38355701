"""A study's trials as its own program keeps them: what was written to the file is what it goes by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from mlmagic.runtime.tuned import own_trials
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.ranges import ranges_text
from mlmagic.spec.study import Study, StudySpec, Trial
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.studies import TrialLog, read_trials


class Ledger:
    """The trials of a study by number. Each change is on the disk before anything is done about it."""

    def __init__(self, folder: JobFolder, spec: StudySpec, log: TrialLog) -> None:
        self._log = log
        self._study = Study(id=folder.id, spec=spec, trials=read_trials(folder))

    def write(self, trial: Trial) -> None:
        """Keep how a trial is from here on.

        Raises:
            WorkspaceError: it cannot be written; nothing has changed.
        """
        self._log.write(trial)
        others = [other for other in self._study.trials if other.number != trial.number]
        trials = sorted([*others, trial], key=lambda one: one.number)
        self._study = dataclasses.replace(self._study, trials=tuple(trials))

    @property
    def study(self) -> Study:
        """The study as far as it has come."""
        return self._study

    @property
    def unfinished(self) -> Sequence[Trial]:
        """The trials that have not come to their end, by number."""
        return [trial for trial in self._study.trials if not trial.state.is_final]

    @property
    def seen(self) -> str:
        """The numbers of the trials whose results are known, as `Trial.seen` has them."""
        return ranges_text(trial.number for trial in self._study.trials if trial.state.is_final)

    @property
    def left(self) -> int:
        """How many trials are still to be made."""
        return max(0, self._study.spec.trials - len(own_trials(self._study)))

    @property
    def next_number(self) -> int:
        """The number of the next trial."""
        return self._study.trials[-1].number + 1 if self._study.trials else 1

    def job_of(self, number: int) -> str:
        """Return the id that the job of a new trial gets."""
        return trial_job_id(self._study.id, number)

    def __getitem__(self, number: int) -> Trial:
        return next(trial for trial in self._study.trials if trial.number == number)

    def texts(self, values: Mapping[str, float | str]) -> dict[str, str]:
        """Return suggested values as a trial's command line has them, in the order of the search space."""
        named = [parameter for parameter in self._study.spec.parameters if parameter.name in values]
        return {parameter.name: parameter.text(values[parameter.name]) for parameter in named}
