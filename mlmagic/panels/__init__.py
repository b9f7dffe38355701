"""Panels: nouns to mime bundles, with our own type, HTML without scripts, and text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmagic.panels.comparison import comparison_bundle
    from mlmagic.panels.dataset import dataset_bundle
    from mlmagic.panels.dataset_diff import dataset_diff_bundle
    from mlmagic.panels.dataset_plot import dataset_chart_bundle, dataset_plot_table_bundle
    from mlmagic.panels.datasets import datasets_bundle
    from mlmagic.panels.diff import job_diff_bundle
    from mlmagic.panels.job import description_bundle, job_bundle
    from mlmagic.panels.jobs import jobs_bundle
    from mlmagic.panels.models import model_bundle, models_bundle
    from mlmagic.panels.plan import plan_bundle, preprocessing_plan_bundle
    from mlmagic.panels.status import checkup_bundle, config_bundle, status_bundle

# Resolved on first use: who shows a job needs no dry run's view.
_HOMES = {
    "checkup_bundle": "status",
    "comparison_bundle": "comparison",
    "config_bundle": "status",
    "dataset_bundle": "dataset",
    "dataset_chart_bundle": "dataset_plot",
    "dataset_diff_bundle": "dataset_diff",
    "dataset_plot_table_bundle": "dataset_plot",
    "datasets_bundle": "datasets",
    "description_bundle": "job",
    "job_bundle": "job",
    "job_diff_bundle": "diff",
    "jobs_bundle": "jobs",
    "model_bundle": "models",
    "models_bundle": "models",
    "plan_bundle": "plan",
    "preprocessing_plan_bundle": "plan",
    "status_bundle": "status",
}

__all__ = [
    "checkup_bundle",
    "comparison_bundle",
    "config_bundle",
    "dataset_bundle",
    "dataset_chart_bundle",
    "dataset_diff_bundle",
    "dataset_plot_table_bundle",
    "datasets_bundle",
    "description_bundle",
    "job_bundle",
    "job_diff_bundle",
    "jobs_bundle",
    "model_bundle",
    "models_bundle",
    "plan_bundle",
    "preprocessing_plan_bundle",
    "status_bundle",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
