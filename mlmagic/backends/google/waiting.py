"""Why a job of Google Cloud is QUEUED, told from what is kept of it: nobody is asked."""

from __future__ import annotations

from mlmagic.backends.google.remote import read_remote
from mlmagic.workspace.layout import JobFolder


def why_queued(folder: JobFolder, trouble: str | None) -> str:
    """Return why a QUEUED job does not run yet; `trouble` is why Google could not be asked the last time."""
    remote = read_remote(folder)
    if remote is None or remote.name is None:
        return f"it could not be sent yet: {trouble}" if trouble else "it is being sent"
    # Dataflow's jobs are jobs without another word.
    return f"{'Dataflow' if '/jobs/' in remote.name else 'Vertex AI'} has not begun to start it"
