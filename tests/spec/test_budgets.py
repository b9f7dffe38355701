from __future__ import annotations

import pytest

from mlmagic.errors import UsageError
from mlmagic.spec.budgets import Budget, parse_budget


@pytest.mark.parametrize(
    ("text", "budget", "told"),
    [
        ("10h", Budget(amount=10), "10 machine-hours"),
        (" 1.0 H ", Budget(amount=1), "1 machine-hour"),
        ("0.5h", Budget(amount=0.5), "0.5 machine-hours"),
        ("20USD", Budget(amount=20, currency="USD"), "20 USD"),
        ("7.50 EUR", Budget(amount=7.5, currency="EUR"), "7.5 EUR"),
    ],
)
def test_hours_and_money(text: str, budget: Budget, told: str) -> None:
    assert parse_budget(text) == budget
    assert str(budget) == told


@pytest.mark.parametrize("text", ["", "10", "h", "10m", "20usd", "$20", "-1h", "1e3h", "20 U S D"])
def test_no_amount(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_budget(text)
    form = "such as 10h, which is machines times hours; in money it is such as 20USD."
    assert caught.value.message == f"budget {text!r} is no amount, {form}"


def test_nothing_is_no_budget_and_none_lifts_one() -> None:
    assert parse_budget("none") is parse_budget("None") is None
    with pytest.raises(UsageError, match="budget '0h' must be more than 0"):
        parse_budget("0h")
