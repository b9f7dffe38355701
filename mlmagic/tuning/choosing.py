"""Which parameters the next trial gets: the suggester, told of the trials, and asked ahead where it is slow."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.spec.ranges import numbers_of
from mlmagic.spec.study import Algorithm, StudySpec, Trial
from mlmagic.tuning.ledger import Ledger
from mlmagic.tuning.suggester import Values, make_suggester
from mlmagic.tuning.taking_up import values_of

_FEW_TRIALS = 4
"""So many do without, for they are spread over the space."""
_QUICK_SECONDS = 0.02
_SHARE = 0.05
"""Of a trial's time: a suggestion that takes less is asked for when it is needed, and so knows the latest result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The parameters of the next trial."""

    number: int
    values: Values | None
    """None: nothing is left to try."""
    seen: str
    """The trials whose results were known, as ranges. With the number, they say what the suggestion must be."""


class Chooser:
    """Keeps a suggester that knows what the ledger does."""

    def __init__(self, spec: StudySpec, ledger: Ledger, earlier: Sequence[tuple[Values, float]]) -> None:
        self._spec = spec
        self._ledger = ledger
        self._suggester = make_suggester(spec, earlier)
        self._ahead: Suggestion | None = None
        self._cost = 0.0
        self._is_warm = False
        for trial in ledger.study.trials:
            self.tell(trial)

    def tell(self, trial: Trial) -> None:
        """Let the suggester know how a trial is now."""
        values = values_of(self._spec, trial.parameters)
        if trial.state.is_final:
            self._suggester.finished(trial.number, values, None if trial.final is None else trial.final.value)
        else:
            self._suggester.started(trial.number, values)

    def next(self) -> Suggestion:
        """Return the parameters of the next trial."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.number == self._ledger.next_number:
            return ahead
        return self._ask()

    def warm_up(self) -> None:
        """Begin to import what a search needs once it has results, while the first trials run."""
        if self._is_warm or self._spec.algorithm is not Algorithm.BAYESIAN or self._spec.trials < _FEW_TRIALS:
            return
        self._is_warm = True
        threading.Thread(target=importlib.import_module, args=("mlmagic.tuning.surrogate",)).start()

    def think_ahead(self, trial_seconds: float) -> None:
        """Have the next suggestion ready for when it is needed, if it is slow beside trials that take so long."""
        if self._ahead is None and self._cost > max(_QUICK_SECONDS, _SHARE * trial_seconds):
            self._ahead = self._ask()

    def _ask(self) -> Suggestion:
        number, seen = self._ledger.next_number, self._ledger.seen
        begin = time.monotonic()
        values = self._suggester.suggest(number)
        self._cost = time.monotonic() - begin
        return Suggestion(number=number, values=values, seen=seen)


def replay(
    spec: StudySpec, trials: Sequence[Trial], number: int, earlier: Sequence[tuple[Values, float]] = ()
) -> Values | None:
    """Return what must have been suggested for a trial, given all trials and which of them it says it had seen."""
    seen = numbers_of(next(trial.seen for trial in trials if trial.number == number))
    suggester = make_suggester(spec, earlier)
    for trial in trials:
        values = values_of(spec, trial.parameters)
        if trial.number in seen:
            suggester.finished(trial.number, values, None if trial.final is None else trial.final.value)
        elif trial.number < number:
            suggester.started(trial.number, values)
    return suggester.suggest(number)
