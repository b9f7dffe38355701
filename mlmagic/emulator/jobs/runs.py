"""Which replicas there are, of all custom jobs, tuning jobs and their trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlmagic.emulator.core import Core
from mlmagic.emulator.engine import Engine
from mlmagic.emulator.jobs.resources import engine_name, job_number
from mlmagic.emulator.jobs.service import CUSTOM_JOB
from mlmagic.emulator.tuning.service import TUNING_JOB
from mlmagic.spec.job import JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A job of the engine that runs containers: that of a custom job, or of a trial."""

    job_id: str
    record: JobRecord
    spec: Mapping[str, Any]
    """The CustomJobSpec."""
    trial: int | None = None


def runs(core: Core, engine: Engine, job_id: str | None = None) -> Iterator[Run]:
    """Yield what runs, or ran, for all jobs that the API still knows, or for one."""
    for document in core.documents.list(CUSTOM_JOB.noun):
        if job_id in {None, job_number(document)} and (record := engine.find(engine_name(document))):
            yield Run(job_id=job_number(document), record=record, spec=document["job_spec"])
    for document in core.documents.list(TUNING_JOB.noun):
        if job_id in {None, job_number(document)} and (study := engine.find(engine_name(document))):
            for trial in engine.trials(study):
                if (record := engine.trial_record(study, trial.number)) is not None:
                    spec = document["trial_job_spec"]
                    yield Run(job_id=job_number(document), record=record, spec=spec, trial=trial.number)
