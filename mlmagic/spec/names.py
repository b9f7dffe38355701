"""Names and ids: what is allowed, how an id is made, how a reference is read."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from mlmagic.errors import UsageError

# Vertex AI takes 128 characters; the id adds 21, and a folder name may have 255 bytes.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}", re.ASCII)
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,64}", re.ASCII)
_JOB_ID = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9_-]{0,99})-\d{8}-\d{6}-[0-9a-f]{4}(?P<trial>-[1-9]\d{0,4})?", re.ASCII
)


def check_name(name: str, what: str = "name") -> str:
    """Return the name if a job or model may be called so; it becomes part of folder names and of cloud resources.

    Raises:
        UsageError: it may not.
    """
    if not is_name(name):
        raise UsageError(
            f"{what} {name!r} cannot be used: it must start with a letter and have up to 100 letters, digits, - and _.",
            hint=f"Try {suggest_name(name, first=what.split(maxsplit=1)[0])!r}.",
        )
    return name


def is_name(text: str) -> bool:
    """Say whether a job or model may be called so."""
    return _NAME.fullmatch(text) is not None


def suggest_name(name: str, *, first: str = "job") -> str:
    """Return the allowed name that is most like `name`; where it has no letter to begin with, `first` stands there."""
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:100]
    return cleaned if is_name(cleaned) else f"{first}-{cleaned}"[:100].rstrip("-")


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Return the labels if they keep to Google Cloud's rules.

    Raises:
        UsageError: one or more do not; all are listed.
    """
    problems = [f"key {key!r}" for key in labels if not _LABEL_KEY.fullmatch(key)]
    problems += [f"value {value!r} of {key!r}" for key, value in labels.items() if not _LABEL_VALUE.fullmatch(value)]
    if problems:
        raise UsageError(
            "labels hold lowercase letters, digits, - and _ (at most 64; a key starts with a letter); not allowed:",
            problems=problems,
        )
    return labels


def new_job_id(display_name: str, now: datetime) -> str:
    """Return `NAME-YYYYMMDD-HHMMSS-xxxx`; the last part keeps apart what was submitted in the same second."""
    return f"{display_name}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def trial_job_id(study_id: str, number: int) -> str:
    """Return the id of a trial's job: the study's, and the trial's number."""
    return f"{study_id}-{number}"


def is_job_id(text: str) -> bool:
    """Say whether the text has the form of the id of a job, or of a trial."""
    return _JOB_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ModelReference:
    """`M`, `M@3` or `M@alias`; a bare `M` means `M@default`."""

    model: str
    version: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        return f"{self.model}@{self.version if self.version is not None else self.alias}"


def parse_model_reference(text: str) -> ModelReference:
    """Read `MODEL[@VERSION|@ALIAS]`.

    Raises:
        UsageError: it has another form.
    """
    model, at, suffix = text.partition("@")
    check_name(model, "model name")
    if not at:
        return ModelReference(model, alias="default")
    if not suffix:
        raise UsageError(
            f"{text!r} ends with @: a version or an alias follows it.", hint=f"Write {model}@1 or {model}."
        )
    if suffix.isascii() and suffix.isdigit() and int(suffix) > 0:
        return ModelReference(model, version=int(suffix))
    return ModelReference(model, alias=check_name(suffix, "alias"))


@dataclass(frozen=True, slots=True)
class DatasetReference:
    """`D` or `D@3`; a bare `D` means its newest version."""

    dataset: str
    version: int | None = None

    def __str__(self) -> str:
        return self.dataset if self.version is None else f"{self.dataset}@{self.version}"


def parse_dataset_reference(text: str) -> DatasetReference:
    """Read `DATASET[@VERSION]`.

    Raises:
        UsageError: it has another form.
    """
    dataset, at, suffix = text.partition("@")
    check_name(dataset, "dataset name")
    if not at:
        return DatasetReference(dataset)
    if suffix.isascii() and suffix.isdigit() and int(suffix) > 0:
        return DatasetReference(dataset, version=int(suffix))
    raise UsageError(f"{text!r} is no version of a dataset.", hint=f"Write {dataset}@1, or {dataset} for the newest.")
