"""The checks of `%mlmagic doctor` where jobs run in Google Cloud, or on the emulator of it."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.environments import check_image, image_for
from mlmagic.backends.google.images import known_image
from mlmagic.backends.google.settings import GoogleSettings, emulator_settings, read_settings
from mlmagic.backends.google.uploads import is_near
from mlmagic.errors import MlmagicError
from mlmagic.magics.doctor_roles import check_bucket_roles, check_project_roles
from mlmagic.panels.status import Check
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.package import CellShape, TrainerPackage

if TYPE_CHECKING:
    from mlmagic.session import Session

_LIBRARIES = ("google.cloud.aiplatform_v1", "google.cloud.storage")
_NO_JOB = 'labels.mlmagic-job="none"'
_NO_METRIC = 'metric.type="ml.googleapis.com/training/cpu/utilization" AND resource.labels.job_id="0"'


def check_google(session: Session) -> tuple[Check, ...]:
    """Check all that a job there needs, with one cheap call of each API; what needs a check that failed is left out."""
    try:
        settings = _settings(session)
    except MlmagicError as error:
        return (_failed("Settings", error),)
    told = Check(
        name="Settings",
        is_ok=True,
        found=f"project {settings.project}, region {settings.region}, bucket {settings.bucket}",
    )
    client = GoogleClient(settings)
    checks = [told, check_libraries()]
    if checks[-1].is_ok:
        checks.append(_asked("Credentials", client.log_in, "are taken"))
    if checks[-1].is_ok:
        checks += [_asked(name, call, "answers") for name, call in _apis(client)]
        checks.append(check_bucket(client))
        checks.append(check_project_roles(client))
        if checks[-2].is_ok:
            checks.append(check_bucket_roles(client))
    return (*checks, check_container(settings.image))


def check_libraries() -> Check:
    """Check that Google's client libraries are installed, without the seconds that importing them takes."""
    missing = [name for name in _LIBRARIES if not _is_there(name)]
    return Check(
        name="Libraries",
        is_ok=not missing,
        found=f"{', '.join(missing)} not installed" if missing else "Google's client libraries are installed",
        mend="%pip install 'mlmagic[google]'",
    )


def check_container(chosen: str | None) -> Check:
    """Check that the image that jobs run in fits this notebook's Python and TensorFlow."""
    from mlmagic.source.requirements import installed_distribution

    python = platform.python_version()
    found = {name: installed_distribution(name) for name in ("tensorflow", "keras")}
    versions = {"python": python, **{name: told[1] for name, told in found.items() if told is not None}}
    spec = JobSpec(display_name="doctor", package=PackageReference(digest=""), versions=versions)
    uri = image_for(spec, chosen, python=python)
    image = known_image(uri)
    if image is None:
        return Check(
            name="Container", is_ok=True, found=f"{uri}, an image of your own: what is in it is not known here"
        )
    try:
        check_image(uri, spec, TrainerPackage(shape=CellShape.GIVEN, files={}, digest=""), python=python)
    except MlmagicError as error:
        return Check(name="Container", is_ok=False, found=f"{uri}: {'; '.join(error.problems)}", mend=error.hint)
    has = [f"Python {image.python}"] if image.python else []
    has += [f"TensorFlow {version}"] if (version := image.distributions.get("tensorflow")) else []
    return Check(name="Container", is_ok=True, found=f"{uri}{': ' if has else ''}{', '.join(has)}")


def _settings(session: Session) -> GoogleSettings:
    if session.backend_name == "emulator":
        return emulator_settings(session.location.emulator)
    return read_settings(session.google)


def _apis(client: GoogleClient) -> tuple[tuple[str, Callable[[], object]], ...]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    interval = {"interval.startTime": now, "interval.endTime": now}
    return (
        ("Vertex AI", lambda: client.jobs.list_custom_jobs(_NO_JOB)),
        ("Logging", lambda: client.log_entries(f'timestamp>="{now}"')),
        ("Monitoring", lambda: client.time_series({"filter": _NO_METRIC, "view": "HEADERS", **interval})),
        ("Dataflow", client.list_dataflow_jobs),
    )


def check_bucket(client: GoogleClient) -> Check:
    """Check that the bucket is there, and where jobs run."""
    settings = client.settings
    try:
        location = client.storage.bucket_location()
    except MlmagicError as error:
        return _failed("Bucket", error)
    return Check(
        name="Bucket",
        is_ok=is_near(location, settings.region),
        found=f"{settings.bucket} is in {location}, and jobs run in {settings.region}",
        mend=f"gcloud storage buckets create gs://NAME --location={settings.region} --project={settings.project}",
    )


def _asked(name: str, call: Callable[[], object], well: str) -> Check:
    try:
        call()
    except MlmagicError as error:
        return _failed(name, error)
    return Check(name=name, is_ok=True, found=well)


def _failed(name: str, error: MlmagicError) -> Check:
    return Check(
        name=name, is_ok=False, found=" ".join([error.message, "; ".join(error.problems)]).strip(), mend=error.hint
    )


def _is_there(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ImportError:
        return False
