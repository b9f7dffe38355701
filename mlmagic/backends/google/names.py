"""What our jobs, their attempts and their files are called in Google Cloud."""

from __future__ import annotations

import hashlib
import re

JOB_LABEL = "mlmagic-job"
ATTEMPT_LABEL = "mlmagic-attempt"
WORKSPACE_LABEL = "mlmagic-workspace"
DATA_FOLDER = "mlmagic/data"
"""Of a bucket: what jobs read, below the digest of its bytes."""
OWN_LABELS = frozenset({JOB_LABEL, ATTEMPT_LABEL, WORKSPACE_LABEL})

_LABEL_VALUE = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
_DIGEST_CHARACTERS = 16
_KEPT_CHARACTERS = 63 - _DIGEST_CHARACTERS - 1


def label_value(text: str) -> str:
    """Return the text as a label's value: itself where it may be one, else its beginning and a digest of all of it."""
    if _LABEL_VALUE.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    kept = re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_KEPT_CHARACTERS]
    return f"{kept}-{digest}"


def job_labels(job_id: str, attempt: int, workspace: str, labels: dict[str, str]) -> dict[str, str]:
    """Return the labels of an attempt's job: the user's, and those by which it is found again."""
    own = {JOB_LABEL: label_value(job_id), ATTEMPT_LABEL: str(attempt), WORKSPACE_LABEL: workspace}
    return labels | own


def workspace_label(root: str) -> str:
    """Return what tells one workspace's jobs from those of others in the same project."""
    return hashlib.sha256(root.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def attempt_filter(job_id: str, attempt: int, workspace: str) -> str:
    """Return the filter of a list that lets an attempt's job through, and no other."""
    labels = job_labels(job_id, attempt, workspace, {})
    return " AND ".join(f'labels.{key}="{value}"' for key, value in sorted(labels.items()))


def workspace_filter(workspace: str) -> str:
    """Return the filter of a list that lets through the jobs of a workspace."""
    return f'labels.{WORKSPACE_LABEL}="{workspace}"'


def output_directory(bucket: str, job_id: str) -> str:
    """Return where a job's `model/`, `checkpoints/` and `logs/` are; all of its attempts share them."""
    return f"{bucket}/mlmagic/jobs/{job_id}"


def package_object(digest: str) -> str:
    """Return the name of the object that holds a package with this digest of its bytes."""
    return f"mlmagic/packages/{digest}.tar.gz"


def mounted(uri: str) -> str:
    """Return where a training container finds an object: `gs://b/x` is the file `/gcs/b/x`."""
    return f"/gcs/{uri.removeprefix('gs://')}"
