"""Hyperparameter tuning jobs through Google's own client, with hypertune in the trials."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from support.emulated_jobs import TRAINING_IMAGE, program, wait_for
from support.vertex_clients import FINAL, parent, word

from mlmagic.emulator.launch import Emulator

TRIAL = """
import argparse, os, time
from hypertune import HyperTune
parser = argparse.ArgumentParser()
parser.add_argument("--units", type=int)
parser.add_argument("--kind")
flags = parser.parse_args()
open(os.environ["AIP_MODEL_DIR"] + "units.txt", "w").write(str(flags.units))
print("units", flags.units)
time.sleep(0.5)
HyperTune().report_hyperparameter_tuning_metric("loss", (flags.units - 3) ** 2, global_step=1)
"""
PARAMETERS = [
    {"parameter_id": "units", "integer_value_spec": {"min_value": 1, "max_value": 4}},
    {"parameter_id": "kind", "categorical_value_spec": {"values": ["deep", "wide"]}},
]


def create(client: Any, emulator: Emulator, text: str, *, trials: int, parallel: int = 2, **more: Any) -> Any:
    """Create a job whose trials run a program."""
    base = {"output_uri_prefix": f"gs://{emulator.bucket}/tuned"}
    job = {
        "display_name": "tuned",
        "max_trial_count": trials,
        "parallel_trial_count": parallel,
        "study_spec": {"metrics": [{"metric_id": "loss", "goal": "MINIMIZE"}], "parameters": PARAMETERS},
        "trial_job_spec": {"worker_pool_specs": [program(text, image=TRAINING_IMAGE)], "base_output_directory": base},
        **more,
    }
    return client.create_hyperparameter_tuning_job(parent=parent(emulator), hyperparameter_tuning_job=job)


def get(client: Any, name: str) -> Any:
    return client.get_hyperparameter_tuning_job(name=name)


def ended(client: Any, name: str) -> Any:
    """Wait for a job's end, and return it."""
    return wait_for(lambda: get(client, name), lambda job: word(job) in FINAL)


@pytest.fixture(scope="module")
def searched(client: Any, emulator: Emulator) -> Any:
    """A job of four trials that has ended."""
    return ended(client, create(client, emulator, TRIAL, trials=4).name)


def test_trials_are_run_and_measured(searched: Any, emulator: Emulator) -> None:
    job = searched
    assert (word(job), [trial.id for trial in job.trials]) == ("SUCCEEDED", ["1", "2", "3", "4"])
    for trial in job.trials:
        units, kind = (parameter.value for parameter in trial.parameters)
        assert (trial.state.name, kind in {"deep", "wide"}) == ("SUCCEEDED", True)
        assert trial.final_measurement.metrics[0].value == (units - 3) ** 2
        path = emulator.buckets / emulator.bucket / "tuned" / trial.id / "model/units.txt"
        assert path.read_text("utf-8") == str(int(units))


def test_what_trials_print_is_told_apart(searched: Any, ask: Any, emulator: Emulator) -> None:
    text = f'resource.labels.job_id="{searched.name.rsplit("/", 1)[1]}"'
    query = {"resourceNames": [f"projects/{emulator.project}"], "filter": text}
    status, page = ask("POST", "/v2/entries:list", query)
    told = {entry["labels"]["ml.googleapis.com/trial_id"]: entry["textPayload"] for entry in page["entries"]}
    assert status == 200
    assert told == {trial.id: f"units {int(trial.parameters[0].value)}" for trial in searched.trials}


def test_failed_trials_are_infeasible_and_fail_the_job(client: Any, emulator: Emulator) -> None:
    made = create(client, emulator, "raise ValueError('wrong')", trials=4, parallel=1, max_failed_trial_count=1)
    job = ended(client, made.name)
    assert word(job) == "FAILED"
    assert job.error.message
    assert job.trials[0].state.name == "INFEASIBLE"
    assert "wrong" in job.trials[0].infeasible_reason


def test_a_job_is_cancelled_with_its_trials_and_deleted(client: Any, emulator: Emulator) -> None:
    name = create(client, emulator, "import time; time.sleep(3600)", trials=4).name
    wait_for(lambda: get(client, name), lambda job: len(job.trials) == 2)
    client.cancel_hyperparameter_tuning_job(name=name)
    job = ended(client, name)
    assert (word(job), {trial.state.name for trial in job.trials}) == ("CANCELLED", {"INFEASIBLE"})
    client.delete_hyperparameter_tuning_job(name=name).result()
    assert name not in [one.name for one in client.list_hyperparameter_tuning_jobs(parent=parent(emulator))]


def test_what_is_refused(client: Any, emulator: Emulator) -> None:
    with pytest.raises(exceptions.BadRequest) as raised:
        create(client, emulator, TRIAL, trials=0, display_name="")
    assert "hyperparameter_tuning_job.display_name; Message: Required field is not set." in str(raised.value)
    assert "max_trial_count must be positive, not 0." in str(raised.value)
