"""Where the real taxi rides are, if they are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

RIDES = Path(os.environ.get("MLMAGIC_TAXI_DATA") or Path(__file__).parents[3] / "shared" / "data")

needs_rides = pytest.mark.skipif(
    not all((RIDES / f"taxi-{name}.csv").exists() for name in ("train", "valid", "test")),
    reason=f"no taxi rides in {RIDES}: MLMAGIC_TAXI_DATA names the folder of taxi-{{train,valid,test}}.csv",
)
