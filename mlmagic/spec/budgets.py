"""What a job may cost at most: in hours of machines, or in money."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mlmagic.errors import UsageError
from mlmagic.spec.noun import Noun

NO_BUDGET = "none"
"""What lifts the workspace's budget."""
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", re.ASCII)
_EXAMPLES = "such as 10h, which is machines times hours; in money it is such as 20USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Noun):
    """A limit of one job."""

    amount: float
    currency: str | None = None
    """Three capital letters, such as `USD`; None: the amount is machine-hours."""

    def __str__(self) -> str:
        return f"{self.amount:g} {self.currency or hours_word(self.amount)}"


def hours_word(amount: float) -> str:
    """Return `machine-hour` or `machine-hours`, as it stands after a number."""
    return "machine-hour" if amount == 1 else "machine-hours"


def parse_budget(text: str) -> Budget | None:
    """Return the budget that a text such as `10h` or `20USD` means; None for `none`.

    Raises:
        UsageError: it means none.
    """
    if text.strip().lower() == NO_BUDGET:
        return None
    match = _AMOUNT.fullmatch(text.strip())
    unit = match[2] if match else ""
    if match is None or not (unit.lower() == "h" or (len(unit) == 3 and unit.isupper())):
        raise UsageError(f"budget {text!r} is no amount, {_EXAMPLES}.")
    amount = float(match[1])
    if not 0 < amount < math.inf:
        raise UsageError(f"budget {text!r} must be more than 0, {_EXAMPLES}.")
    return Budget(amount=amount, currency=None if unit.lower() == "h" else unit)
