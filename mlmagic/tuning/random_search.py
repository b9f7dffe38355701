"""Random search: points drawn from the space, each by the seed and the trial's number alone."""

from __future__ import annotations

import random
from collections.abc import Set as AbstractSet

from mlmagic.spec.study import StudySpec
from mlmagic.tuning.history import History
from mlmagic.tuning.space import Key, Space
from mlmagic.tuning.suggester import Values

# So many draws that hit what was tried mean that little is left; it is then looked for.
_DRAWS = 100

# Spaces beyond this are not gone through: what is tried of them leaves most of them.
_COUNTABLE = 100_000


class RandomSuggester(History):
    """Draws points that were not tried; when all were, any."""

    def __init__(self, spec: StudySpec) -> None:
        super().__init__(Space(spec.parameters))
        self._seed = spec.seed

    def suggest(self, number: int) -> Values | None:
        """See `Suggester.suggest`."""
        return draw_untried(self.space, self.tried, random_of(self._seed, number))


def random_of(seed: int, number: int) -> random.Random:
    """Return the random numbers of a trial: the same in every process."""
    return random.Random(f"{seed}/{number}")  # noqa: S311 - nothing secret


def draw_untried(space: Space, tried: AbstractSet[Key], numbers: random.Random) -> Values:
    """Draw a point that was not tried, or any if all were."""
    for _ in range(_DRAWS):
        point = space.point([numbers.random() for _ in space.axes])
        if space.key(point) not in tried:
            return point
    count = space.count
    if count is None or count > _COUNTABLE:
        return point
    left = [one for one in space.points() if space.key(one) not in tried]
    return numbers.choice(left) if left else point
