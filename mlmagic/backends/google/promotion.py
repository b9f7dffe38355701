"""The training job behind a study that was to promote its best trial: made once, when the study has succeeded."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from mlmagic.backends.kept import kept_package
from mlmagic.errors import MlmagicError
from mlmagic.runtime.ending import append_to_log, quietly
from mlmagic.runtime.tuned import promoted_text
from mlmagic.spec.job import JobRecord
from mlmagic.spec.study import Promoted, Promotion, Study, Trial
from mlmagic.spec.study_jobs import promotion_spec
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.studies import read_promoted, write_promoted


def promote_best(folder: JobFolder, jobs: JobStore, record: JobRecord, study: Study) -> Promoted | None:
    """Return what becomes of a study's promotion; None where none was asked for. The job is sent like any other.

    Only who holds the study's lock may call it. That the job cannot be made is no failure of the study.
    """
    promotion, best = study.spec.promotion, study.best
    if promotion is None or best is None:
        return None
    if (known := read_promoted(folder)) is not None:
        return known
    try:
        made = _made(jobs, record, best) or _make(folder, jobs, record, best, promotion)
        promoted = Promoted(model=promotion.model, job=made)
    except MlmagicError as error:
        promoted = Promoted(model=promotion.model, reason=" ".join(str(error).split()))
    write_promoted(folder, promoted)
    quietly(lambda: append_to_log(folder.log(), [promoted_text(promoted)]))
    return promoted


def _made(jobs: JobStore, record: JobRecord, best: Trial) -> str | None:
    """Return the job that one made who was killed before he wrote that down. What a user promotes repeats no trial."""
    from mlmagic.filters.parser import parse
    from mlmagic.filters.sql import condition

    where = parse(f"fromStudy={record.id} AND rerunOf={best.job}")
    found = jobs.list(where=condition(where, datetime.now(UTC)), limit=1)
    return found[0].id if found else None


def _make(folder: JobFolder, jobs: JobStore, record: JobRecord, best: Trial, promotion: Promotion) -> str:
    placement = record.spec.placement
    spec = dataclasses.replace(
        promotion_spec(record, best, promotion),
        rerun_of=best.job,
        placement=placement and dataclasses.replace(placement, note=None),
    )
    source_map = jobs.source_map(record.id)
    files = kept_package(folder, record, source_map).files
    return jobs.create(spec, package_files=files, source_map=source_map, now=datetime.now(UTC)).id
