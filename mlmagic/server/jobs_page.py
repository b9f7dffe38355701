"""What a job's page needs beyond its panel: where its lines came from, its commands, what its machines have."""

from __future__ import annotations

import shlex

from mlmagic.api.commands import (
    as_configured,
    gcloud_command,
    gcloud_study_command,
    has_flags,
    job_document,
    local_command,
)
from mlmagic.panels.plan import yaml_text
from mlmagic.session import Session
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.resources import ROLES
from mlmagic.spec.tiers import machine_size
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore


def page_facts(session: Session, job_id: str, spec: JobSpec) -> dict[str, object]:
    """Return them by name, as they are sent; what a kind of job does not have is left out."""
    facts: dict[str, object] = {"machines": _machines(spec)}
    # The package as a whole may have data of any size in it.
    source_map = JobStore(Database(session.workspace)).source_map(job_id)
    if source_map is not None:
        facts["sourceMap"] = encode(source_map)
    if spec.kind is JobKind.TRAINING:
        facts |= {
            "gcloud": _gcloud(as_configured(spec, session.google)),
            "localCommand": shlex.join(local_command(spec)),
        }
    elif spec.kind is JobKind.TUNING:
        facts["gcloud"] = shlex.join(gcloud_study_command(spec))
    return facts


def _gcloud(spec: JobSpec) -> str:
    """Return what a shell takes, with the file that gcloud needs where there is one."""
    line = shlex.join(gcloud_command(spec))
    return line if has_flags(spec) else f"cat > job.yaml <<'EOF'\n{yaml_text(job_document(spec))}\nEOF\n{line}"


def _machines(spec: JobSpec) -> dict[str, object]:
    """Return by role what one replica gets; machines that are not known are left out."""
    pools = zip(ROLES, spec.resources.worker_pools, strict=False)
    sizes = {role: machine_size(pool.machine_type) for role, pool in pools if pool.replica_count}
    return {role: {"cores": size.cores, "memoryBytes": size.memory_bytes} for role, size in sizes.items() if size}
