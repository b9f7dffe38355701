"""Writing down how an attempt ended: log, exit record, row; in this order, for the process may be killed in between."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from datetime import datetime

from mlmagic.errors import ConflictError, MlmagicError
from mlmagic.runtime.claim import PAUSES, Claim, now
from mlmagic.runtime.ending import Ending, append_to_log, log_lines, quietly
from mlmagic.runtime.job_metrics import job_metrics
from mlmagic.runtime.reserve import Reserve
from mlmagic.runtime.retries import requeue, retries_left, retry_message
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import UNFINISHED, ExitRecord, JobState, fields_of
from mlmagic.workspace.files import write_atomic


def close(claim: Claim, ending: Ending, reserve: Reserve) -> None:
    """Record an attempt's end: the job becomes final, or QUEUED where it may be tried again."""
    reserve.give_back()
    ended = _exit_record(claim, ending)
    if not (ending.is_retriable and _requeued(claim, ending, ended)):
        _finish(claim, ending, ended)


def _requeued(claim: Claim, ending: Ending, ended: ExitRecord) -> bool:
    left = retries_left(claim.spec, claim.folder, claim.attempt)
    # Of a job that somebody cancelled just now, the row says so.
    if left == 0 or (claim.is_cancelled() and ending.state is not JobState.CANCELLED):
        return False
    message = retry_message(claim.spec, ended, left)
    for pause in (*PAUSES, None):
        try:
            if not requeue(claim.jobs, claim.folder, ended, message=message, now=now()):
                return False
            break
        except (MlmagicError, OSError):
            # Locked by somebody, or rebuilt just now: that must not cost the job its other attempts.
            traceback.print_exc()
            if pause is None:
                return False
            time.sleep(pause)
    lines = log_lines(ending, message)
    quietly(lambda: append_to_log(claim.folder.log(), lines))
    return True


def _finish(claim: Claim, ending: Ending, ended: ExitRecord) -> None:
    quietly(lambda: append_to_log(claim.folder.log(), log_lines(ending)))
    quietly(lambda: write_atomic(claim.folder.exit, dumps(ended)))
    for pause in (*PAUSES, None):
        try:
            claim.jobs.advance(
                claim.folder.id,
                expect=UNFINISHED,
                of_attempt=claim.attempt,
                to=ended.state,
                now=now(),
                **fields_of(ended),
            )
        except ConflictError:
            return
        except (MlmagicError, OSError):
            traceback.print_exc()
            if pause is None:
                return
            time.sleep(pause)
        else:
            return


def _exit_record(claim: Claim, ending: Ending) -> ExitRecord:
    return ExitRecord(
        attempt=claim.attempt,
        state=ending.state,
        exit_code=ending.exit_code,
        start_time=claim.start_time,
        end_time=_end_time(claim),
        error=ending.error,
        model_version=ending.model_version,
        dataset_version=ending.dataset_version,
        metrics=ending.metrics or _metrics(claim, ending.state),
        message=ending.message,
    )


def _end_time(claim: Claim) -> datetime:
    # A clock may be set back.
    return max(now(), claim.start_time or now())


def _metrics(claim: Claim, state: JobState) -> Mapping[str, float]:
    return job_metrics(claim.folder.tensorboard_dir) if state in {JobState.SUCCEEDED, JobState.FAILED} else {}
