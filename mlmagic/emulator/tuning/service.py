"""Hyperparameter tuning jobs: the part of Vertex AI's JobService that searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document
from mlmagic.emulator.engine import Engine, Work
from mlmagic.emulator.errors import Violation
from mlmagic.emulator.jobs.checks import check_job_spec, check_resource, refuse, refuse_unsupported
from mlmagic.emulator.jobs.resources import JobResources, Kind, job_number
from mlmagic.emulator.jobs.submission import work_of
from mlmagic.emulator.persistent.checks import require_resource
from mlmagic.emulator.tuning.study import check_study, refuse_unsupported_study, study_of
from mlmagic.emulator.tuning.trials import trials_of
from mlmagic.spec.job import JobRecord
from mlmagic.spec.study import StudySpec

TUNING_JOB = Kind(
    noun="HyperparameterTuningJob",
    collection="hyperparameterTuningJobs",
    fields=(
        "display_name",
        "study_spec",
        "max_trial_count",
        "parallel_trial_count",
        "max_failed_trial_count",
        "trial_job_spec",
        "labels",
        "encryption_spec",
    ),
)
_FIELD = "hyperparameter_tuning_job"


class TuningJobService:
    """The RPCs of hyperparameter tuning jobs."""

    def __init__(self, core: Core, engine: Engine) -> None:
        self._core = core
        self._engine = engine
        self._jobs = JobResources(core, engine, TUNING_JOB, work=self._work, details=self._details)

    def resume(self) -> None:
        """Start what an emulator that was killed has only written down."""
        self._jobs.resume()

    def create_hyperparameter_tuning_job(self, call: Call) -> dict[str, Any]:
        """Start a job."""
        given = call.request.get(_FIELD, {})
        refuse([*check_resource(given, _FIELD), *_check(given)])
        refuse_unsupported(given["trial_job_spec"], "trial_job_spec")
        refuse_unsupported_study(given["study_spec"])
        require_resource(given["trial_job_spec"], self._core, call.parent)
        return self._jobs.create(call, given)

    def get_hyperparameter_tuning_job(self, call: Call) -> dict[str, Any]:
        """Return a job and its trials as they are now."""
        return self._jobs.get(call.request["name"])

    def list_hyperparameter_tuning_jobs(self, call: Call) -> dict[str, Any]:
        """Return a page of jobs, the newest first."""
        return self._jobs.list(call, "hyperparameter_tuning_jobs")

    def cancel_hyperparameter_tuning_job(self, call: Call) -> dict[str, Any]:
        """Ask a job and its trials to end."""
        return self._jobs.cancel(call.request["name"])

    def delete_hyperparameter_tuning_job(self, call: Call) -> dict[str, Any]:
        """Forget a job that has ended, and its trials."""
        return self._jobs.delete(call.request["name"])

    def _work(self, document: Document, start_delay_seconds: float) -> Work:
        return work_of(
            document,
            document["trial_job_spec"],
            root=self._core.root,
            start_delay_seconds=start_delay_seconds,
            study=_study(document),
        )

    def _details(self, document: Document, record: JobRecord) -> Document:
        trials = trials_of(_study(document), self._engine.trials(record), has_ended=record.state.is_final)
        return {"trials": trials} if trials else {}


def _study(document: Mapping[str, Any]) -> StudySpec:
    return study_of(
        document["study_spec"],
        trials=document["max_trial_count"],
        parallel=document["parallel_trial_count"],
        max_failed=document.get("max_failed_trial_count", 0),
        # Another one for each job, and the same whenever it is asked for.
        seed=int(job_number(document)) % (1 << 31),
    )


def _check(given: Mapping[str, Any]) -> Iterator[Violation]:
    for name in ("max_trial_count", "parallel_trial_count"):
        if given.get(name, 0) <= 0:
            why = f"{name} must be positive, not {given.get(name, 0)}."
            yield Violation(field=f"{_FIELD}.{name}", description=why)
    if given.get("max_failed_trial_count", 0) < 0:
        yield Violation(field=f"{_FIELD}.max_failed_trial_count", description="It must not be negative.")
    if "study_spec" in given:
        yield from check_study(given["study_spec"], f"{_FIELD}.study_spec")
    else:
        yield Violation(field=f"{_FIELD}.study_spec", description="Required field is not set.")
    yield from check_job_spec(given.get("trial_job_spec"), f"{_FIELD}.trial_job_spec")
