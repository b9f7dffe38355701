"""mlmagic: from a notebook cell to a served model.

`%load_ext mlmagic` brings the magics; each has a plain Python spelling here, such as `mlmagic.train`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from mlmagic import errors
    from mlmagic.api.batch_prediction import plan_predict_files, predict_files
    from mlmagic.api.boards import boards, stop_boards, tensorboard
    from mlmagic.api.comparison import compare_jobs
    from mlmagic.api.datasets import dataset, datasets, diff_datasets
    from mlmagic.api.deployment import deploy, plan_deployment
    from mlmagic.api.difference import diff_jobs
    from mlmagic.api.emulator import stop_emulator
    from mlmagic.api.endpoints import endpoint, endpoints
    from mlmagic.api.explanation import explain
    from mlmagic.api.jobs import cancel_jobs, job, jobs
    from mlmagic.api.model_deletion import delete_model
    from mlmagic.api.model_difference import diff_models
    from mlmagic.api.model_import import import_model
    from mlmagic.api.models import model, models
    from mlmagic.api.monitor import monitor
    from mlmagic.api.prediction import predict
    from mlmagic.api.preprocessing import plan_preprocessing, preprocess
    from mlmagic.api.promotion import promote, resume
    from mlmagic.api.retention import delete_jobs
    from mlmagic.api.status import status
    from mlmagic.api.study import studies, study
    from mlmagic.api.training import plan_training, train
    from mlmagic.api.tuning import plan_tuning, tune
    from mlmagic.session import use

# Resolved on first use: `import mlmagic` costs next to nothing.
_HOMES = {
    "boards": "mlmagic.api.boards",
    "cancel_jobs": "mlmagic.api.jobs",
    "compare_jobs": "mlmagic.api.comparison",
    "dataset": "mlmagic.api.datasets",
    "datasets": "mlmagic.api.datasets",
    "delete_jobs": "mlmagic.api.retention",
    "delete_model": "mlmagic.api.model_deletion",
    "deploy": "mlmagic.api.deployment",
    "diff_datasets": "mlmagic.api.datasets",
    "diff_jobs": "mlmagic.api.difference",
    "diff_models": "mlmagic.api.model_difference",
    "endpoint": "mlmagic.api.endpoints",
    "endpoints": "mlmagic.api.endpoints",
    "evaluate": "mlmagic.api.evaluation",
    "explain": "mlmagic.api.explanation",
    "import_model": "mlmagic.api.model_import",
    "job": "mlmagic.api.jobs",
    "jobs": "mlmagic.api.jobs",
    "model": "mlmagic.api.models",
    "models": "mlmagic.api.models",
    "monitor": "mlmagic.api.monitor",
    "plan_deployment": "mlmagic.api.deployment",
    "plan_predict_files": "mlmagic.api.batch_prediction",
    "plan_preprocessing": "mlmagic.api.preprocessing",
    "plan_training": "mlmagic.api.training",
    "plan_tuning": "mlmagic.api.tuning",
    "predict": "mlmagic.api.prediction",
    "predict_files": "mlmagic.api.batch_prediction",
    "preprocess": "mlmagic.api.preprocessing",
    "promote": "mlmagic.api.promotion",
    "resume": "mlmagic.api.promotion",
    "status": "mlmagic.api.status",
    "stop_boards": "mlmagic.api.boards",
    "stop_emulator": "mlmagic.api.emulator",
    "studies": "mlmagic.api.study",
    "study": "mlmagic.api.study",
    "tensorboard": "mlmagic.api.boards",
    "train": "mlmagic.api.training",
    "tune": "mlmagic.api.tuning",
    "use": "mlmagic.session",
    "load_ipython_extension": "mlmagic.magics",
    "unload_ipython_extension": "mlmagic.magics",
    "_jupyter_server_extension_points": "mlmagic.server",
}

__all__ = [
    "boards", "cancel_jobs", "compare_jobs", "dataset", "datasets", "delete_jobs", "delete_model", "deploy",
    "diff_datasets", "diff_jobs", "diff_models", "endpoint", "endpoints", "errors", "evaluate", "explain",
    "import_model", "job", "jobs", "model", "models", "monitor", "plan_deployment", "plan_predict_files",
    "plan_preprocessing", "plan_training", "plan_tuning", "predict", "predict_files", "preprocess", "promote", "resume",
    "status", "stop_boards", "stop_emulator", "studies", "study", "tensorboard", "train", "tune", "use",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "errors":
        return import_module("mlmagic.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'mlmagic' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "errors"})
