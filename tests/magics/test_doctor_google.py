"""The doctor where jobs run in Google Cloud: each check fails by itself, and says what mends it."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.emulator.launch import emulator as run_emulator
from mlmagic.magics.doctor_google import check_bucket, check_container, check_google
from mlmagic.panels.status import Check, Checkup
from mlmagic.session import Session

Fault = Callable[..., None]
DISABLED = (
    "{title} API has not been used in project 1 before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/{service}/overview?project=1 then retry. SERVICE_DISABLED"
)
RPCS = {
    "Vertex AI": ("ListCustomJobs", "aiplatform.googleapis.com"),
    "Logging": ("ListLogEntries", "logging.googleapis.com"),
    "Monitoring": ("ListTimeSeries", "monitoring.googleapis.com"),
    "Dataflow": ("ListJobs", "dataflow.googleapis.com"),
    "Bucket": ("storage.buckets.get", "storage.googleapis.com"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / ".mlmagic"


@pytest.fixture(scope="module")
def emulator(home: Path) -> Iterator[Emulator]:
    with run_emulator(home / "emulator") as started:
        yield started


@pytest.fixture
def session(home: Path, emulator: Emulator) -> Session:
    return Session(environ={"MLMAGIC_HOME": str(home), "MLMAGIC_BACKEND": "emulator"})


@pytest.fixture
def fault(emulator: Emulator) -> Iterator[Fault]:
    url, headers = f"{emulator.url}/emulator/faults", {"authorization": f"Bearer {emulator.token}"}

    def switch_on(rpc: str, **told: Any) -> None:
        httpx.post(url, json={"rpc": rpc, **told}, headers=headers, timeout=60).raise_for_status()

    yield switch_on
    httpx.delete(url, headers=headers, timeout=60).raise_for_status()


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_on_an_emulator_all_is_in_order(session: Session, emulator: Emulator) -> None:
    checks = by_name(check_google(session))
    assert list(checks) == ["Settings", "Libraries", "Credentials", *RPCS, "Roles", "Bucket roles", "Container"]
    assert [check for check in checks.values() if not check.is_ok] == []
    assert checks["Bucket"].found == f"gs://{emulator.bucket} is in US-CENTRAL1, and jobs run in us-central1"


@pytest.mark.parametrize("name", RPCS)
def test_an_api_that_is_off_is_told_with_the_line_that_switches_it_on(
    session: Session, emulator: Emulator, fault: Fault, name: str
) -> None:
    rpc, service = RPCS[name]
    fault(rpc, status=403, message=DISABLED.format(title=name, service=service))
    bad = [check for check in check_google(session) if not check.is_ok]
    assert [check.name for check in bad] == [name]
    assert bad[0].found.endswith(f"the API {service} is off in project {emulator.project}.")
    assert bad[0].mend == f"Switch it on with: gcloud services enable {service} --project {emulator.project}"


def test_a_permission_that_is_missing_is_told_with_its_role(session: Session, fault: Fault) -> None:
    fault("ListLogEntries", status=403, message="Permission 'logging.logEntries.list' denied")
    check = by_name(check_google(session))["Logging"]
    assert "these credentials may not do that in project" in check.found
    assert (check.mend or "").endswith("--member=user:YOU --role=roles/logging.viewer")


def test_roles_that_are_missing_are_told_with_the_lines_that_grant_them(
    session: Session, emulator: Emulator, fault: Fault
) -> None:
    fault("projects.testIamPermissions", deny=["aiplatform.customJobs.create", "dataflow.jobs.create"])
    fault("storage.buckets.testIamPermissions", deny=["storage.objects.create"])
    project, bucket = emulator.project, f"gs://{emulator.bucket}"
    roles, of_bucket = (check for check in check_google(session) if not check.is_ok)
    lacks = "these credentials lack aiplatform.customJobs.create, dataflow.jobs.create"
    grant = f"gcloud projects add-iam-policy-binding {project} --member=user:YOU --role=roles"
    assert roles.found == f"in project {project} {lacks}"
    assert roles.mend == f"{grant}/aiplatform.user\n{grant}/dataflow.developer"
    assert of_bucket.found == f"in {bucket} these credentials lack storage.objects.create"
    grant = f"gcloud storage buckets add-iam-policy-binding {bucket} --member=user:YOU"
    assert of_bucket.mend == f"{grant} --role=roles/storage.objectAdmin"


def test_roles_that_cannot_be_asked_for_are_no_fault(session: Session, emulator: Emulator, fault: Fault) -> None:
    service = "cloudresourcemanager.googleapis.com"
    fault("projects.testIamPermissions", status=403, message=DISABLED.format(title="Manager", service=service))
    check = by_name(check_google(session))["Roles"]
    off = f"cannot ask what is granted in project {emulator.project}: the API {service} is off in project"
    assert check.is_ok
    assert check.found.startswith(f"not known: {off} {emulator.project}. Switch it on with: gcloud services enable")


def test_each_line_that_mends_stands_on_a_line_of_its_own() -> None:
    checkup = Checkup(checks=(Check(name="Roles", is_ok=False, found="lacks two", mend="gcloud one\ngcloud two"),))
    bundle = checkup._repr_mimebundle_()
    assert [line.strip() for line in bundle["text/plain"].splitlines()[-2:]] == ["→ gcloud one", "→ gcloud two"]


def test_a_service_account_is_named_in_the_line(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    settings = dataclasses.replace(emulator_settings(emulator.root), token=None)
    member = GoogleClient(settings).permissions.member
    assert member.startswith("serviceAccount:")
    assert member.endswith(".iam.gserviceaccount.com")


@pytest.mark.parametrize(
    ("bucket", "found", "mend"),
    [
        (
            "gs://nobodys-bucket",
            "cannot look at the bucket gs://nobodys-bucket: there is no bucket gs://nobodys-bucket.",
            "Make it with: gcloud storage buckets create gs://nobodys-bucket --location=us-central1 --project=",
        ),
        (
            "gs://far-bucket",
            "gs://far-bucket is in EUROPE-WEST4, and jobs run in us-central1",
            "gcloud storage buckets create gs://NAME --location=us-central1 --project=",
        ),
    ],
)
def test_a_bucket_that_is_not_there_or_elsewhere(emulator: Emulator, bucket: str, found: str, mend: str) -> None:
    url = f"{emulator.url}/{emulator.token}/storage/v1/b?project={emulator.project}"
    httpx.post(url, json={"name": "far-bucket", "location": "EUROPE-WEST4"}, timeout=60)  # a second time: 409
    settings = dataclasses.replace(emulator_settings(emulator.root), bucket=bucket)
    check = check_bucket(GoogleClient(settings))
    assert (check.is_ok, check.found) == (False, found)
    assert check.mend == mend + emulator.project


def test_nothing_is_asked_for_without_settings(tmp_path: Path) -> None:
    session = Session(environ={"MLMAGIC_HOME": str(tmp_path / ".mlmagic"), "MLMAGIC_BACKEND": "google"})
    (check,) = check_google(session)
    assert (check.name, check.is_ok) == ("Settings", False)
    assert "--project is missing; --region is missing; --bucket is missing" in check.found
    assert check.mend == "%mlmagic use google --project PROJECT --region us-central1 --bucket gs://BUCKET"


def test_without_credentials_no_api_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    session = Session(environ={"MLMAGIC_HOME": str(tmp_path / ".mlmagic"), "MLMAGIC_BACKEND": "google"})
    for key, value in {"project": "my-project", "region": "us-central1", "bucket": "gs://my-bucket"}.items():
        session.configure(f"google_{key}", value)
    checks = by_name(check_google(session))
    assert list(checks) == ["Settings", "Libraries", "Credentials", "Container"]
    assert checks["Credentials"].found == "cannot log in: there are no Google credentials on this machine."
    assert checks["Credentials"].mend == "Log in with: gcloud auth application-default login"


def test_an_image_that_does_not_fit_the_notebook() -> None:
    check = check_container("tensorflow/tensorflow:2.10.0")
    assert not check.is_ok
    assert "and the image 2.10.0" in check.found
    assert check.mend == "Choose another image, or one of your own: %mlmagic config google-image IMAGE"
    assert check_container("my-registry/my-image:1").is_ok
    assert platform.python_version().rpartition(".")[0] in check_container(None).found
