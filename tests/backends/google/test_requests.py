"""What the backend sends, as the definitions of Google's libraries have it; `requests_sent` checks that in every test.

Here: that the check finds what is wrong, that it sees all calls of jobs, and what only some jobs ask for.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from google.cloud.aiplatform_v1 import CustomJob, HyperparameterTuningJob
from google.protobuf import json_format
from support.google_requests import faults_in
from support.studies import PARAMETERS, REPORTS, study_spec, submit_study

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.backends.google.submission import Attempt, custom_job, tuning_job
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.study import Algorithm, EarlyStopping, Goal, Parameter, ParameterKind, StoppingRule, StudySpec
from mlmagic.spec.tiers import TIERS
from mlmagic.spec.vertex import VertexOptions
from mlmagic.testing.backends import run, submit, wait_for

PARENT = "http://localhost/v1/projects/my-project/locations/us-central1"
SETTINGS = GoogleSettings(project="my-project", region="us-central1", bucket="gs://b")
IMAGES = ("python:3.11", "me/mine", "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest")
ALL = VertexOptions(
    spot=True,
    service_account="trainer@my-project.iam.gserviceaccount.com",
    network="projects/123/global/networks/default",
    persistent_resource="gpus",
)
STUDIES = (
    study_spec(),
    study_spec(algorithm=Algorithm.RANDOM, goal=Goal.MAXIMIZE, max_failed=2),
    study_spec(algorithm=Algorithm.GRID, parameters=PARAMETERS[1:]),
    *(study_spec(early_stopping=EarlyStopping(rule=rule)) for rule in StoppingRule),
    study_spec(parameters=(Parameter(name="at", kind=ParameterKind.DISCRETE, numbers=(0.0, 1.0)),)),
)


def sent(collection: str, job: object) -> list[str]:
    return faults_in("POST", f"{PARENT}/{collection}", json.dumps(job))


def as_sent(message: Any) -> Any:
    """A message as Google's client writes it."""
    return json_format.MessageToDict(type(message).pb(message), use_integers_for_enums=True)


def attempt(image: str) -> Attempt:
    return Attempt(job_id="taxi-1", number=1, workspace="abc", image=image, package_uri="gs://b/p.tar.gz")


@pytest.mark.parametrize(
    ("job", "fault"),
    [
        ({"jobSpec": {"workerPoolSpecs": [{}]}}, "custom_job.display_name is required"),
        ({"displayName": "x", "jobSpec": {}}, "custom_job.job_spec.worker_pool_specs is required"),
        (
            {"displayName": "x", "jobSpec": {"workerPoolSpecs": [{}], "network": "default"}},
            "custom_job.job_spec.network is 'default', and should be ['projects/{project}/global/networks/{network}']",
        ),
        (
            {"displayName": "x", "state": 3, "jobSpec": {"workerPoolSpecs": [{}]}},
            "custom_job.state is written by Google alone",
        ),
        (
            {"displayName": "x", "jobSpec": {"workerPoolSpecs": [{}], "scheduling": {"strategy": 99}}},
            "custom_job.job_spec.scheduling.strategy: Strategy has no 99",
        ),
    ],
)
def test_what_is_wrong_is_found(job: dict[str, Any], fault: str) -> None:
    assert sent("customJobs", job) == [f"CreateCustomJob: {fault}"]


def test_what_no_message_has_is_found() -> None:
    (fault,) = faults_in("GET", f"{PARENT}/customJobs?pageSiz=5&%24alt=json", None)
    assert '"google.cloud.aiplatform.v1.ListCustomJobsRequest" has no field named "pageSiz"' in fault
    assert faults_in("GET", f"{PARENT}/customJobs?pageSize=5&%24alt=json", None) == []


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("image", IMAGES)
def test_every_tier_is_asked_for_as_defined(tier: str, image: str) -> None:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), resources=TIERS[tier])
    assert sent("customJobs", as_sent(CustomJob(custom_job(spec, attempt(image), SETTINGS)))) == []
    more = dataclasses.replace(spec, vertex=ALL, timeout_seconds=0.5, labels={"owner": "ada"}, args=("--x=1",))
    assert sent("customJobs", as_sent(CustomJob(custom_job(more, attempt(image), SETTINGS)))) == []


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_is_asked_for_as_defined(study: StudySpec) -> None:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), study=study)
    job = HyperparameterTuningJob(tuning_job(spec, study, attempt(IMAGES[0]), SETTINGS))
    assert sent("hyperparameterTuningJobs", as_sent(job)) == []


def test_all_calls_of_jobs_are_checked(backend: GoogleBackend, requests_sent: list[str]) -> None:
    record = run(backend, "print(1)\n")
    backend.usage(record.id)
    study = submit_study(backend, REPORTS)
    backend.cancel(submit(backend, "print(2)\n").id)
    backend.cancel(study.id)
    wait_for(backend, study.id)
    for job_id in (record.id, study.id):
        backend.delete(job_id)
    verbs = ("Create", "Get", "Cancel", "Delete")
    jobs = {f"{verb}{kind}" for verb in verbs for kind in ("CustomJob", "HyperparameterTuningJob")}
    listed = {"ListCustomJobs", "ListHyperparameterTuningJobs", "ListLogEntries", "ListTimeSeries"}
    assert jobs | listed <= set(requests_sent)
