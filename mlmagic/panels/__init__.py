"""Panels: nouns to mime bundles, with our own type, HTML without scripts, and text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmagic.panels.board import board_bundle, boards_bundle
    from mlmagic.panels.board_curves import board_curves_bundle
    from mlmagic.panels.comparison import comparison_bundle
    from mlmagic.panels.dataset import dataset_bundle
    from mlmagic.panels.dataset_diff import dataset_diff_bundle
    from mlmagic.panels.dataset_plot import dataset_chart_bundle, dataset_plot_table_bundle
    from mlmagic.panels.datasets import datasets_bundle
    from mlmagic.panels.diff import job_diff_bundle
    from mlmagic.panels.drift import drift_bundle, drift_chart_bundle, drift_pictures
    from mlmagic.panels.endpoint import endpoint_bundle
    from mlmagic.panels.endpoints import deployment_bundle, endpoints_bundle
    from mlmagic.panels.evaluation import evaluation_bundle, evaluation_chart_bundle
    from mlmagic.panels.explanation import explanation_bundle
    from mlmagic.panels.job import description_bundle, job_bundle
    from mlmagic.panels.jobs import jobs_bundle
    from mlmagic.panels.model import model_bundle
    from mlmagic.panels.model_diff import model_diff_bundle
    from mlmagic.panels.model_version import version_bundle
    from mlmagic.panels.models import models_bundle
    from mlmagic.panels.plan import batch_plan_bundle, plan_bundle, preprocessing_plan_bundle
    from mlmagic.panels.status import checkup_bundle, config_bundle, status_bundle
    from mlmagic.panels.study import study_bundle, study_progress_text
    from mlmagic.panels.study_plot import study_plots
    from mlmagic.panels.trials import trials_bundle
    from mlmagic.panels.tuning_plan import tuning_plan_bundle

# Resolved on first use: who shows a job needs no dry run's view.
_HOMES = {
    "batch_plan_bundle": "plan",
    "board_bundle": "board",
    "board_curves_bundle": "board_curves",
    "boards_bundle": "board",
    "checkup_bundle": "status",
    "comparison_bundle": "comparison",
    "config_bundle": "status",
    "dataset_bundle": "dataset",
    "dataset_chart_bundle": "dataset_plot",
    "dataset_diff_bundle": "dataset_diff",
    "dataset_plot_table_bundle": "dataset_plot",
    "datasets_bundle": "datasets",
    "deployment_bundle": "endpoints",
    "description_bundle": "job",
    "drift_bundle": "drift",
    "drift_chart_bundle": "drift",
    "drift_pictures": "drift",
    "endpoint_bundle": "endpoint",
    "endpoints_bundle": "endpoints",
    "evaluation_bundle": "evaluation",
    "evaluation_chart_bundle": "evaluation",
    "explanation_bundle": "explanation",
    "job_bundle": "job",
    "job_diff_bundle": "diff",
    "jobs_bundle": "jobs",
    "model_bundle": "model",
    "model_diff_bundle": "model_diff",
    "models_bundle": "models",
    "plan_bundle": "plan",
    "preprocessing_plan_bundle": "plan",
    "status_bundle": "status",
    "study_bundle": "study",
    "trials_bundle": "trials",
    "tuning_plan_bundle": "tuning_plan",
    "study_plots": "study_plot",
    "study_progress_text": "study",
    "version_bundle": "model_version",
}

__all__ = [
    "batch_plan_bundle",
    "board_bundle",
    "board_curves_bundle",
    "boards_bundle",
    "checkup_bundle",
    "comparison_bundle",
    "config_bundle",
    "dataset_bundle",
    "dataset_chart_bundle",
    "dataset_diff_bundle",
    "dataset_plot_table_bundle",
    "datasets_bundle",
    "deployment_bundle",
    "description_bundle",
    "drift_bundle",
    "drift_chart_bundle",
    "drift_pictures",
    "endpoint_bundle",
    "endpoints_bundle",
    "evaluation_bundle",
    "evaluation_chart_bundle",
    "explanation_bundle",
    "job_bundle",
    "job_diff_bundle",
    "jobs_bundle",
    "model_bundle",
    "model_diff_bundle",
    "models_bundle",
    "plan_bundle",
    "preprocessing_plan_bundle",
    "status_bundle",
    "study_bundle",
    "study_plots",
    "study_progress_text",
    "trials_bundle",
    "tuning_plan_bundle",
    "version_bundle",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
