"""The table that milliseconds and megabytes are printed in."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

HEAD = f"  {'':44}  {'n':>4}  {'median':>8}  {'p95':>8}  {'min':>8}  {'max':>8}"


def told(name: str, values: Sequence[float], unit: str, goal: str) -> str:
    """Return a line of a table: median, 95th percentile and range."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    numbers = f"{statistics.median(ordered):8.0f}  {p95:8.0f}  {ordered[0]:8.0f}  {ordered[-1]:8.0f}"
    return f"  {name:44}  {len(ordered):4}  {numbers}  {unit:4}  goal: {goal}"
