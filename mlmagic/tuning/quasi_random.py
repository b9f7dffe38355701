"""Points that are spread over a space more evenly than random ones, in any number."""

from __future__ import annotations

from mlmagic.tuning.random_search import random_of


def spread_places(seed: int, number: int, axes: int) -> list[float]:
    """Return the places of a point of a sequence: the first in the middle of all axes.

    The sequence is Roberts's R: steps by the powers of the root of x^(axes+1) = x + 1, from where the seed says.
    """
    if number == 1:
        return [0.5] * axes
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (axes + 1))
    numbers = random_of(seed, 0)
    return [(numbers.random() + number * root**-power) % 1.0 for power in range(1, axes + 1)]
