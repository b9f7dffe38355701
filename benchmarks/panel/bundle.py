"""How much the browser loads for the extension."""

from __future__ import annotations

import gzip

from support.browser_server import EXTENSION


def measure() -> None:
    """Print the size of all that the build made for the browser."""
    files = [path for path in (EXTENSION / "static").iterdir() if path.suffix in {".js", ".css"}]
    plain = sum(path.stat().st_size for path in files)
    packed = sum(len(gzip.compress(path.read_bytes())) for path in files)
    print(f"\nThe bundle: {plain / 1000:.0f} kB, {packed / 1000:.0f} kB gzip; goal: under 250 kB gzip")
