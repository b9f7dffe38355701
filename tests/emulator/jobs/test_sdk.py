"""Custom jobs and tuning jobs through the high-level SDK, as its users write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulated_jobs import TRAINING_IMAGE, program, wait_for
from support.vertex_clients import high_level_sdk

from mlmagic.emulator.launch import Emulator

pytestmark = pytest.mark.slow

STATES = ("QUEUED", "PENDING", "RUNNING", "SUCCEEDED")
TRIAL = """
import argparse, time
from hypertune import HyperTune
parser = argparse.ArgumentParser()
parser.add_argument("--units", type=int)
flags = parser.parse_args()
time.sleep(1)
HyperTune().report_hyperparameter_tuning_metric("loss", (flags.units - 3) ** 2, global_step=1)
"""


@pytest.fixture(scope="module")
def sdk(emulator: Emulator) -> Iterator[Any]:
    aiplatform = high_level_sdk(emulator)
    yield aiplatform
    aiplatform.initializer.global_pool.shutdown(wait=True)


def states(job: Any) -> list[str]:
    """The states that a job is seen in until it has ended."""
    seen = [job.state.name.removeprefix("JOB_STATE_")]
    deadline = time.monotonic() + 240
    while seen[-1] not in {"SUCCEEDED", "FAILED", "CANCELLED"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        if (state := job.state.name.removeprefix("JOB_STATE_")) != seen[-1]:
            seen.append(state)
    return seen


def test_a_job_is_seen_in_every_state_in_order(sdk: Any, ask: Any, no_faults: None) -> None:
    ask("POST", "/emulator/faults", {"rpc": "machines.start", "delay_seconds": 3, "times": 1})
    job = sdk.CustomJob(display_name="taxi", worker_pool_specs=[program("import time; time.sleep(3)")])
    job.submit()
    seen = states(job)
    # The first look may come too late for QUEUED.
    assert seen[-3:] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert seen == [state for state in STATES if state in seen]


def test_a_local_script_is_packaged_staged_and_run(sdk: Any, emulator: Emulator, tmp_path: Path) -> None:
    script = tmp_path / "task.py"
    text = "import json, os, sys; task = json.loads(os.environ['CLUSTER_SPEC'])['task']\n"
    text += "open(os.environ['AIP_MODEL_DIR'] + f\"{task['type']}-{task['index']}\", 'w').write(sys.argv[1])\n"
    script.write_text(text + "import time; time.sleep(2)\n", "utf-8")
    job = sdk.CustomJob.from_local_script(
        display_name="script",
        script_path=str(script),
        container_uri=TRAINING_IMAGE,
        requirements=["pandas"],
        replica_count=3,
        args=["said"],
        base_output_dir=f"gs://{emulator.bucket}/script",
    )
    job.submit()
    assert states(job)[-1] == "SUCCEEDED"
    model = emulator.buckets / emulator.bucket / "script/model"
    written = {path.name: path.read_text("utf-8") for path in model.iterdir()}
    assert written == dict.fromkeys(["workerpool0-0", "workerpool1-0", "workerpool1-1"], "said")


def test_a_failed_job_tells_its_error(sdk: Any) -> None:
    job = sdk.CustomJob(display_name="taxi", worker_pool_specs=[program("raise ValueError('wrong')")])
    job.submit()
    assert states(job)[-1] == "FAILED"
    assert "The replica workerpool0-0 exited with a non-zero status of 1." in job.error.message
    assert "ValueError: wrong" in job.error.message


def test_a_tuning_job_runs_two_trials_at_a_time(sdk: Any) -> None:
    from google.cloud.aiplatform import hyperparameter_tuning

    job = sdk.HyperparameterTuningJob(
        display_name="tuned",
        custom_job=sdk.CustomJob(display_name="trial", worker_pool_specs=[program(TRIAL, image=TRAINING_IMAGE)]),
        metric_spec={"loss": "minimize"},
        parameter_spec={"units": hyperparameter_tuning.IntegerParameterSpec(min=1, max=8, scale="linear")},
        max_trial_count=8,
        parallel_trial_count=2,
    )
    job.run(sync=False)
    job.wait_for_resource_creation()
    most = 0

    def look() -> Any:
        nonlocal most
        trials = job.trials
        most = max(most, sum(trial.state.name == "ACTIVE" for trial in trials))
        return job.state.name

    wait_for(look, lambda state: state == "JOB_STATE_SUCCEEDED")
    trials = job.trials
    assert ([trial.id for trial in trials], most) == ([str(number) for number in range(1, 9)], 2)
    for trial in trials:
        units = trial.parameters[0].value
        assert trial.final_measurement.metrics[0].value == (units - 3) ** 2
    job.wait()
