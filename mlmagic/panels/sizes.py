"""Sizes in bytes as people read them."""

from __future__ import annotations

_KIB = 1024


def size_text(size: int) -> str:
    """Return a size in bytes as `12 KiB`."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < _KIB:
            break
        value, unit = value / _KIB, larger
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
