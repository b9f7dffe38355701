from __future__ import annotations

import os
from pathlib import Path

from mlmagic.runtime.contract import ProgramPlace, outer_environment, program_environment

PLACE = ProgramPlace(
    job_id="taxi-20260131-235959-0a1b",
    package_dir=Path("/ws/package"),
    model_dir=Path("/ws/output/model"),
    checkpoint_dir=Path("/ws/output/checkpoints"),
    tensorboard_dir=Path("/ws/output/logs"),
    metric_file=Path("/ws/output/hypertune/output.metrics"),
)


def test_folders_end_with_a_slash() -> None:
    environment = program_environment(PLACE, {}, {})
    assert environment["AIP_MODEL_DIR"] == "/ws/output/model/"
    assert environment["AIP_CHECKPOINT_DIR"] == "/ws/output/checkpoints/"
    assert environment["AIP_TENSORBOARD_LOG_DIR"] == "/ws/output/logs/"


def test_the_cluster_is_added() -> None:
    assert program_environment(PLACE, {"TF_CONFIG": "outer"}, {"TF_CONFIG": "{}"})["TF_CONFIG"] == "{}"
    assert "TF_CONFIG" not in program_environment(PLACE, {"TF_CONFIG": "outer"}, {})


def test_the_package_comes_before_the_users_path() -> None:
    assert program_environment(PLACE, {"PYTHONPATH": "/mine"}, {})["PYTHONPATH"] == f"/ws/package{os.pathsep}/mine"
    assert program_environment(PLACE, {}, {})["PYTHONPATH"] == "/ws/package"


def test_what_belongs_to_the_kernel_stays_there() -> None:
    kernel = {
        "JPY_API_TOKEN": "secret",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "FORCE_COLOR": "1",
        "CLOUD_ML_JOB_ID": "an-outer-job",
        "HOME": "/home/ada",
    }
    assert outer_environment(kernel) == {"HOME": "/home/ada"}
    assert outer_environment({"MPLBACKEND": "agg"}) == {"MPLBACKEND": "agg"}


def test_the_users_log_level_wins() -> None:
    assert program_environment(PLACE, {}, {})["TF_CPP_MIN_LOG_LEVEL"] == "1"
    assert program_environment(PLACE, {"TF_CPP_MIN_LOG_LEVEL": "0"}, {})["TF_CPP_MIN_LOG_LEVEL"] == "0"
