"""The doctor's checks of roles: which of the permissions that jobs need are granted, and what grants the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlmagic.errors import MlmagicError
from mlmagic.panels.status import Check

if TYPE_CHECKING:
    from mlmagic.backends.google.client import GoogleClient

PROJECT: Mapping[str, str] = MappingProxyType(
    {
        "aiplatform.customJobs.create": "roles/aiplatform.user",
        "aiplatform.hyperparameterTuningJobs.create": "roles/aiplatform.user",
        "aiplatform.models.upload": "roles/aiplatform.user",
        "aiplatform.endpoints.deploy": "roles/aiplatform.user",
        "logging.logEntries.list": "roles/logging.viewer",
        "monitoring.timeSeries.list": "roles/monitoring.viewer",
        "dataflow.jobs.create": "roles/dataflow.developer",
    }
)
"""What is done in the project → the role that has it."""
BUCKET: Mapping[str, str] = MappingProxyType(
    {
        "storage.buckets.get": "roles/storage.legacyBucketReader",
        "storage.objects.create": "roles/storage.objectAdmin",
        "storage.objects.delete": "roles/storage.objectAdmin",
        "storage.objects.get": "roles/storage.objectAdmin",
        "storage.objects.list": "roles/storage.objectAdmin",
    }
)
"""The same of the bucket."""


def check_project_roles(client: GoogleClient) -> Check:
    """Check that these credentials may do in the project what jobs need."""
    name = "Roles"
    try:
        granted = client.permissions.of_project(list(PROJECT))
    except MlmagicError as error:
        # Resource Manager is asked for this alone: where it does not answer, all else may be in order.
        return Check(name=name, is_ok=True, found=f"not known: {error.message} {error.hint or ''}".rstrip())
    project = client.settings.project
    grant = f"gcloud projects add-iam-policy-binding {project} --member={client.permissions.member} --role="
    return _check(name, f"project {project}", PROJECT, granted, grant)


def check_bucket_roles(client: GoogleClient) -> Check:
    """Check that these credentials may do in the bucket what jobs need."""
    name, bucket = "Bucket roles", client.settings.bucket
    try:
        granted = client.permissions.of_bucket(list(BUCKET))
    except MlmagicError as error:
        return Check(name=name, is_ok=False, found=error.message, mend=error.hint)
    grant = f"gcloud storage buckets add-iam-policy-binding {bucket} --member={client.permissions.member} --role="
    return _check(name, bucket, BUCKET, granted, grant)


def _check(name: str, where: str, needed: Mapping[str, str], granted: Collection[str], grant: str) -> Check:
    missing = [permission for permission in needed if permission not in granted]
    roles = dict.fromkeys(needed[permission] for permission in missing)
    return Check(
        name=name,
        is_ok=not missing,
        found=f"in {where} these credentials lack {', '.join(missing)}"
        if missing
        else f"these credentials may do in {where} what jobs need",
        mend="\n".join(f"{grant}{role}" for role in roles),
    )
