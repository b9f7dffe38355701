"""Who chooses the parameters of a study's next trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mlmagic.spec.study import Algorithm, StudySpec
from mlmagic.tuning.libraries import check_libraries

Values = Mapping[str, float | str]
"""The parameters that apply, in the form of `Parameter.value`: floats, also for integers, and texts of categories."""


class Suggester(Protocol):
    """Chooses parameters, knowing what was tried.

    All that it knows comes through `started` and `finished`, so a new one that is told a study's trials again, in any
    order, suggests the same: bit for bit, in any process. What was tried is not suggested while anything else is left.
    """

    def started(self, number: int, values: Values) -> None:
        """Learn that a trial runs; after its `finished` this says nothing."""

    def finished(self, number: int, values: Values, value: float | None) -> None:
        """Learn what a trial reached; None, or no finite number, means that it is infeasible."""

    def suggest(self, number: int) -> Values | None:
        """Return the parameters of a trial, from the specification, what was told and the trial's number alone.

        None means that nothing is left to try, which only a grid says.
        """


def make_suggester(spec: StudySpec, earlier: Sequence[tuple[Values, float]] = ()) -> Suggester:
    """Return the suggester of a study.

    Args:
        spec: the study.
        earlier: what trials of other studies reached, of this one's metric; those outside of the space are left out.

    Raises:
        UsageError: a grid is asked for over parameters that have none.
        MissingDependencyError: what Bayesian search needs is not installed.
    """
    match spec.algorithm:
        case Algorithm.GRID:
            from mlmagic.tuning.grid import GridSuggester

            return GridSuggester(spec)
        case Algorithm.RANDOM:
            from mlmagic.tuning.random_search import RandomSuggester

            return RandomSuggester(spec)
        case Algorithm.BAYESIAN:
            from mlmagic.tuning.gaussian import GaussianSuggester

            check_libraries()
            return GaussianSuggester(spec, earlier)
