"""How a batch prediction ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.runtime.ending import Ending
from mlmagic.spec.batch import BatchResult
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.job import JobState

if TYPE_CHECKING:
    from mlmagic.workspace.layout import JobFolder


def read_predicted(folder: JobFolder) -> Ending:
    """Return how the job ends whose program has succeeded, with what that left in AIP_MODEL_DIR."""
    try:
        result = loads(BatchResult, folder.predictions.read_bytes())
    except (OSError, DecodeError):
        return Ending(state=JobState.SUCCEEDED, exit_code=0)
    metrics = {"rows": float(result.written), "rows_rejected": float(result.rejected_rows)}
    return Ending(state=JobState.SUCCEEDED, exit_code=0, metrics=metrics, message=str(result))
