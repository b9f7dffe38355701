"""The final metrics of a job, as its program reported them."""

from __future__ import annotations

import math
import traceback
from pathlib import Path


def job_metrics(tensorboard_dir: Path) -> dict[str, float]:
    """Return the last value of each scalar that is a number; nothing where that cannot be read."""
    try:
        from mlmagic.runtime.scalars import final_metrics

        # JSON has no other numbers.
        return {name: value for name, value in final_metrics(tensorboard_dir).items() if math.isfinite(value)}
    except Exception:  # noqa: BLE001 - good to have, and no reason for a job to fail
        traceback.print_exc()
        return {}
