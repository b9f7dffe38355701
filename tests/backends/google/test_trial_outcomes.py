"""What becomes of studies and trials of which Google says what the emulator never does, by hand-made answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.studies import REPORTS, study_spec

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.following import Follower
from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, RemoteTrial, write_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.study import Measurement, Trial, TrialState
from mlmagic.testing.backends import make_package
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import read_trials

NAME = "projects/emulated-project/locations/us-central1/hyperparameterTuningJobs/46"
TIME = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)
Say = Callable[..., JobRecord]


@pytest.fixture
def jobs(workspace: Workspace) -> JobStore:
    return JobStore(Database(workspace))


@pytest.fixture
def say(workspace: Workspace, jobs: JobStore, emulator: Emulator) -> Say:
    """Lets Google say something of a study with one trial, and returns the study's record."""
    package, study = make_package(REPORTS), study_spec(trials=1)
    reference = PackageReference(digest=package.digest)
    spec = JobSpec(display_name="flights", kind=JobKind.TUNING, backend="emulator", package=reference, study=study)
    made = jobs.create(spec, package_files=package.files, now=TIME)
    remote = RemoteRecord(attempt=1, project="p", region="r", sent_time=TIME, name=NAME)
    write_remote(workspace.job(made.id), remote)
    follower = Follower(workspace, jobs, GoogleClient(emulator_settings(emulator.root)))

    def say(word: str, state: str, **fields: Any) -> JobRecord:
        told = {"parameters": {"lr": 0.01, "units": 8.0}, "start_time": TIME, **fields}
        trial = RemoteTrial(number=1, state=state, **told)
        job = RemoteJob(name=NAME, state=f"JOB_STATE_{word}", start_time=TIME, trials=(trial,))
        return follower.check(jobs.get(made.id), job)

    return say


def only_trial(workspace: Workspace, study: JobRecord) -> Trial:
    (trial,) = read_trials(workspace.job(study.id))
    return trial


def test_a_trial_that_vertex_ai_stops_early_has_succeeded(workspace: Workspace, jobs: JobStore, say: Say) -> None:
    study = say("RUNNING", "ACTIVE")
    assert only_trial(workspace, study).parameters == {"lr": "0.01", "units": "8"}
    say("RUNNING", "STOPPING")
    final = Measurement(step=3, value=0.5, elapsed_seconds=2.0)
    study = say("SUCCEEDED", "SUCCEEDED", final=final, end_time=TIME)
    trial = only_trial(workspace, study)
    assert (trial.is_stopped_early, trial.final, trial.state) == (True, final, TrialState.SUCCEEDED)
    assert study.message == "1 trial · best loss 0.5 (trial 1: lr=0.01 units=8)"
    record = jobs.get(trial.job)
    assert (record.state, record.message) == (
        JobState.SUCCEEDED,
        "stopped early: Vertex AI saw no use in going on",
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": "SUCCEEDED"}, "it did not report loss"),
        ({"state": "SUCCEEDED", "final": Measurement(step=2, value=math.nan)}, "its loss is NaN at step 2"),
        ({"state": "INFEASIBLE", "reason": "no\nreports"}, "no reports"),
        ({"state": "INFEASIBLE"}, "Vertex AI gave no reason"),
    ],
)
def test_a_trial_without_a_result_is_infeasible(
    workspace: Workspace, say: Say, fields: dict[str, Any], reason: str
) -> None:
    study = say("SUCCEEDED", end_time=TIME, **fields)
    trial = only_trial(workspace, study)
    assert (trial.state, trial.reason, trial.final) == (TrialState.INFEASIBLE, reason, None)
    assert (study.state, study.message) == (JobState.FAILED, "none of its trials succeeded")


def test_what_a_newer_service_says_changes_nothing(workspace: Workspace, jobs: JobStore, say: Say) -> None:
    study = say("RUNNING", "ACTIVE")
    before = only_trial(workspace, study)
    study = say("RUNNING", "RETHINKING")
    assert (only_trial(workspace, study), study.state) == (before, JobState.RUNNING)
    assert jobs.get(before.job).state is JobState.RUNNING


def test_a_study_that_is_cancelled_in_google_cloud_says_so(workspace: Workspace, jobs: JobStore, say: Say) -> None:
    say("RUNNING", "ACTIVE")
    study = say("CANCELLED", "ACTIVE")
    assert (study.state, study.message) == (JobState.CANCELLED, "cancelled in Google Cloud")
    assert jobs.get(only_trial(workspace, study).job).state is JobState.CANCELLED
