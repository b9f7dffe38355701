"""Panels: nouns to mime bundles, with our own type, HTML without scripts, and text for a terminal."""

from mlmagic.panels.job import job_bundle
from mlmagic.panels.jobs import jobs_bundle
from mlmagic.panels.models import model_bundle, models_bundle
from mlmagic.panels.plan import plan_bundle
from mlmagic.panels.status import checkup_bundle, config_bundle, status_bundle

__all__ = [
    "checkup_bundle",
    "config_bundle",
    "job_bundle",
    "jobs_bundle",
    "model_bundle",
    "models_bundle",
    "plan_bundle",
    "status_bundle",
]
