"""`prices.toml`: what machines cost, which the user writes down and mlmagic only reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.prices import PriceList

EXAMPLE = """currency = "USD"
source = "the price page of our contract"
date = 2026-11-01

[machines]  # one machine for an hour
n1-standard-4 = 1.0

[accelerators]  # one accelerator for an hour
NVIDIA_TESLA_T4 = 1.0
"""
"""The form of the file; its amounts are nobody's prices."""

_TEXTS = {"currency": 'such as "USD"', "source": "where the amounts are from"}
_TABLES = ("machines", "accelerators")
_KEYS = ("currency", "source", "date", *_TABLES)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def read_prices(path: Path) -> PriceList | None:
    """Return the user's prices; None where the file is not there.

    Raises:
        UsageError: it cannot be read, or something in it cannot be right; all is listed.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=f"Its form:\n{EXAMPLE}") from error
    if problems := list(_problems(document)):
        raise UsageError(f"{path} has no prices that can be used:", problems=problems, hint=f"Its form:\n{EXAMPLE}")
    machines, accelerators = (
        {name: float(amount) for name, amount in document.get(table, {}).items()} for table in _TABLES
    )
    return PriceList(
        currency=document["currency"],
        source=document["source"].strip(),
        date=document["date"],
        machines=machines,
        accelerators=accelerators,
    )


def _problems(document: Mapping[str, object]) -> Iterator[str]:
    known = f"The file has {', '.join(_KEYS)}."
    for key in document.keys() - set(_KEYS):
        yield f"there is no {key!r}. {nearest(key, _KEYS) or known}"
    for key, told in _TEXTS.items():
        value = document.get(key)
        if not isinstance(value, str) or not value.strip() or (key == "currency" and not _CURRENCY.fullmatch(value)):
            yield f"{key} is missing: {told}" if value is None else f"{key} = {value!r} should be {told}"
    # A TOML time is a date, too, for Python.
    if type(day := document.get("date")) is not date:
        told = "when they were read, such as 2026-11-01 without quotes"
        yield f"date is missing: {told}" if day is None else f"date = {day!r} should be {told}"
    for table in _TABLES:
        yield from _wrong_amounts(table, document.get(table, {}))


def _wrong_amounts(table: str, amounts: object) -> Iterator[str]:
    if not isinstance(amounts, Mapping):
        yield f"{table} should be a table, [{table}], of amounts per hour"
        return
    for name, amount in amounts.items():
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not is_number or not 0 <= amount < math.inf:
            yield f"{table}: {name} = {amount!r} should be an amount per hour, 0 or more"
