"""The version that a reference means, waited for while the first one is still in training."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlmagic.api.failures import failure_line
from mlmagic.errors import NotFoundError, NoVersionError, nearest
from mlmagic.spec.job import JobKind, JobState, JobSummary
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import ModelReference

if TYPE_CHECKING:
    from mlmagic.session import Session

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.05, 1.0, 1.4
_QUIET_TIME = 1.0
"""How long to wait without a word."""
_JOBS_LOOKED_AT = 200
_NO_MODEL_HINT = (
    'Let the program save one, model.export(os.environ["AIP_MODEL_DIR"]), or let train() return the Keras model.'
)


def resolve_version(
    reference: ModelReference, session: Session, *, wait: bool, on_wait: Callable[[str], None] | None = None
) -> ModelVersion:
    """Return the version; while the model has none and a job that trains it goes on, wait for the first.

    `on_wait` is called with a line that says so; without it, the line is printed.

    Raises:
        NotFoundError: no such model or version; names the nearest.
        NoVersionError: the model has no version; says why.
    """
    if session.models.has_versions(reference.model):
        return session.models.resolve(reference)
    pause, told, begin = _FIRST_PAUSE, None, time.monotonic()
    models: dict[str, str | None] = {}
    while True:
        # Jobs are read before the registry: what a job that has ended made is there by then.
        trained = _training_jobs(reference.model, session, models)
        if session.models.has_versions(reference.model):
            return session.models.resolve(reference)
        active = next((job for job in trained if not job.state.is_final), None)
        if active is None or not wait or not _may_be_first(reference):
            raise _no_version(reference.model, trained, session)
        if active.id != told and time.monotonic() - begin >= _QUIET_TIME:
            (on_wait or _say)(f"{reference.model} has no version yet: waiting for {active.id} ({active.state}).")
            told = active.id
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _may_be_first(reference: ModelReference) -> bool:
    return reference.version == 1 or reference.alias in {"default", "latest"}


def _training_jobs(model: str, session: Session, models: dict[str, str | None]) -> list[JobSummary]:
    """The training jobs of a model, newest first. Jobs of other names count if they were given `--model`.

    `models` keeps the model of each job that was looked at, which never changes: the next call need not read it again.
    """
    backend = session.jobs
    own = backend.list(limit=_JOBS_LOOKED_AT, display_name=model)
    summaries = {summary.id: summary for summary in (*own, *backend.list(limit=_JOBS_LOOKED_AT))}
    training = [summary for summary in summaries.values() if summary.kind is JobKind.TRAINING]
    training.sort(key=lambda summary: summary.create_time, reverse=True)
    models.update({job.id: backend.get(job.id).spec.model for job in training if job.id not in models})
    return [job for job in training if models[job.id] == model]


def _no_version(model: str, trained: list[JobSummary], session: Session) -> NotFoundError:
    if not trained:
        return _never_trained(model, session)
    newest = trained[0]
    if not newest.state.is_final:
        return NoVersionError(
            f"{model} has no version yet: {newest.id} is {newest.state}.", hint=f"Wait for it: %jobs wait {newest.id}"
        )
    if newest.state is JobState.SUCCEEDED:
        return NoVersionError(
            f"{model} has no version: {newest.id} succeeded, but wrote no model to AIP_MODEL_DIR.", hint=_NO_MODEL_HINT
        )
    return NoVersionError(
        f"{model} has no version: {failure_line(session.jobs.get(newest.id))}",
        hint=f"See the log: %jobs logs {newest.id}",
    )


def _never_trained(model: str, session: Session) -> NotFoundError:
    names = [record.name for record in session.models.list()]
    known = f"Models: {', '.join(sorted(names)[:10])}." if names else f"There are none yet. Train it: %%train {model}"
    return NotFoundError(f"there is no model {model!r}. {nearest(model, names)}".rstrip(), hint=known)
