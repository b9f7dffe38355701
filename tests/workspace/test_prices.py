"""`prices.toml` is the user's own: what is in it counts, and what is wrong with it is told at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mlmagic.errors import UsageError
from mlmagic.workspace.prices import EXAMPLE, read_prices


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prices.toml"


def test_a_file_that_is_not_there_has_no_prices(path: Path) -> None:
    assert read_prices(path) is None


def test_the_form_that_errors_show_is_one_that_is_read(path: Path) -> None:
    path.write_text(EXAMPLE, "utf-8")
    prices = read_prices(path)
    assert prices is not None
    assert (prices.currency, prices.date) == ("USD", date(2026, 11, 1))
    assert prices.origin == "the price page of our contract, 2026-11-01"
    assert prices.hourly("n1-standard-4", "NVIDIA_TESLA_T4", 2) == 3.0
    assert prices.hourly("n1-standard-4", "TPU_V2", 1) is prices.hourly("c2-standard-8") is None


def test_all_that_is_wrong_is_told_at_once(path: Path) -> None:
    wrong = (
        'currency = "usd"\ndate = "2026-11-01"\nmachine = 1\naccelerators = 3\n[machines]\na = "1"\nb = -1\nc = true\n'
    )
    path.write_text(wrong, "utf-8")
    with pytest.raises(UsageError) as caught:
        read_prices(path)
    assert caught.value.message == f"{path} has no prices that can be used:"
    assert caught.value.problems == (
        "there is no 'machine'. Did you mean machines?",
        "currency = 'usd' should be such as \"USD\"",
        "source is missing: where the amounts are from",
        "date = '2026-11-01' should be when they were read, such as 2026-11-01 without quotes",
        "machines: a = '1' should be an amount per hour, 0 or more",
        "machines: b = -1 should be an amount per hour, 0 or more",
        "machines: c = True should be an amount per hour, 0 or more",
        "accelerators should be a table, [accelerators], of amounts per hour",
    )


def test_a_file_that_is_no_toml(path: Path) -> None:
    path.write_text("currency = USD\n", "utf-8")
    with pytest.raises(UsageError, match=r"cannot be read: .*line 1") as caught:
        read_prices(path)
    assert EXAMPLE in (caught.value.hint or "")
