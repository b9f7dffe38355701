"""A study in Vertex AI's words: the file that `gcloud ai hp-tuning-jobs create --config` takes."""

from __future__ import annotations

import re
from typing import Any

from mlmagic.api.commands import job_document
from mlmagic.backends.google.study_spec import study_spec
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobSpec
from mlmagic.spec.study import StudySpec


def study_document(spec: JobSpec) -> dict[str, Any]:
    """Return a tuning job as a HyperparameterTuningJob; BUCKET stands for the user's own.

    What only mlmagic has is not in it: `document_notes` tells that.

    Raises:
        UsageError: the job is no study.
    """
    study = spec.study
    if study is None:
        raise UsageError(f"{spec.display_name} is no study: it has no parameters to search.")
    document: dict[str, Any] = {
        "displayName": spec.display_name,
        "maxTrialCount": study.trials,
        "parallelTrialCount": study.parallel,
    }
    if study.max_failed:
        document["maxFailedTrialCount"] = study.max_failed
    document["studySpec"] = _camel(study_spec(study))
    document["trialJobSpec"] = job_document(spec)
    if spec.labels:
        document["labels"] = dict(spec.labels)
    return document


def document_notes(study: StudySpec) -> tuple[str, ...]:
    """Return what `study_document` leaves out, since Vertex AI has nothing of the kind."""
    left_out = {
        "the seed": study.seed,
        "the study that it resumes": study.resumes,
        "the warm start": study.warm_start,
        "the promotion": study.promotion,
    }
    told = [what for what, value in left_out.items() if value]
    return (f"Vertex AI's form has no place for {', '.join(told)}",) if told else ()


def _camel(told: Any) -> Any:
    """Return a message with its fields named as files have them."""
    if isinstance(told, dict):
        return {re.sub(r"_(\w)", lambda match: match[1].upper(), key): _camel(value) for key, value in told.items()}
    return [_camel(item) for item in told] if isinstance(told, list) else told
