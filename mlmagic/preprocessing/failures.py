"""What went wrong in a worker, left in a file for the program that waits: runners keep no more of it than text."""

from __future__ import annotations

import contextlib
import json
import traceback
import uuid
from dataclasses import dataclass
from types import TracebackType

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing import storage


@dataclass(frozen=True, slots=True)
class Failure:
    """The first of what went wrong."""

    text: str
    """The traceback, from the frames of the cell on where it has any."""
    message: str | None = None
    """Of an error of ours, which needs no traceback."""


def leave_failure(folder: str, order: int, error: BaseException, cell: str) -> None:
    """Write down an exception of a worker; `order` tells which of several comes first."""
    document = {
        "text": traceback_of(error, cell),
        "message": str(error) if isinstance(error, MlmagicError) else None,
    }
    # The error itself goes on; where this cannot be written, the runner's own account has to do.
    with contextlib.suppress(Exception):
        storage.write_text(storage.join(folder, f"failure-{order:06d}-{uuid.uuid4().hex}.json"), json.dumps(document))


def read_failure(folder: str) -> Failure | None:
    """Return the first failure that was left."""
    try:
        texts = storage.read_texts(storage.join(folder, "failure-*.json"))
    except Exception:  # noqa: BLE001 - then the runner's own account has to do
        return None
    for path in sorted(texts):
        document = json.loads(texts[path])
        return Failure(document["text"], document["message"])
    return None


def traceback_of(error: BaseException, cell: str) -> str:
    """Return the traceback of an exception from the first frame of the cell on, or whole."""
    frames = _from_cell(error.__traceback__, cell) or error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames))


def _from_cell(frames: TracebackType | None, cell: str) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_globals.get("__name__") != cell:
        frames = frames.tb_next
    return frames
