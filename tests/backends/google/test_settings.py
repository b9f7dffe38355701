"""Settings of Google Cloud, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.backends.google.settings import REGIONS, check_settings, emulator_settings, read_settings
from mlmagic.errors import BackendError, UsageError

GOOD = {"google_project": "my-project", "google_region": "us-central1", "google_bucket": "gs://my-bucket/"}
EXAMPLE = "%mlmagic use google --project PROJECT --region us-central1 --bucket gs://BUCKET"


def test_settings_are_read() -> None:
    settings = read_settings(GOOD | {"google_spot": "on"})
    assert (settings.parent, settings.bucket) == ("projects/my-project/locations/us-central1", "gs://my-bucket")
    assert (settings.bucket_name, settings.spot, settings.endpoint) == ("my-bucket", True, None)


def test_regions_are_those_of_the_client_library() -> None:
    from google.cloud.aiplatform.constants import base

    assert set(REGIONS) == base.SUPPORTED_REGIONS - {"global"}


def test_what_is_missing_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_settings({"google_region": "us-centrall1"})
    assert str(caught.value) == (
        "the backend 'google' cannot be used as it is set up:\n"
        "  - --project is missing\n"
        "  - --bucket is missing\n"
        "  - region 'us-centrall1' is none of Vertex AI's. Did you mean us-central1 or me-central1 or me-central2?\n"
        + EXAMPLE
    )


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("project", "My Project", "project 'My Project' is no project's id: 6 to 30 lowercase letters, digits and -"),
        ("bucket", "my-bucket", "bucket 'my-bucket' is not of the form gs://NAME; write gs://my-bucket"),
        ("bucket", "gs://b/x", "bucket 'gs://b/x' is not of the form gs://NAME\n"),
        ("service_account", "me", "service account 'me' is no address"),
        ("network", "default", "network 'default' is not of the form projects/NUMBER/global/networks/NAME"),
        ("spot", "yes", "google-spot is on or off, not 'yes'"),
        ("endpoint", "localhost:80", "google-endpoint 'localhost:80' does not begin with https:// or http://"),
        ("endpoint", "http://10.0.0.1", "google-endpoint 'http://10.0.0.1' begins with http://: credentials go there,"),
        ("storage_endpoint", "http://localhost.example:80", "so only this machine may"),
        ("logging_endpoint", "http://[", "so only this machine may"),
    ],
)
def test_what_cannot_be_right(key: str, value: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_settings(GOOD | {f"google_{key}": value})
    assert told in str(caught.value)
    check_settings({})


@pytest.mark.parametrize(
    "url", ["http://localhost:80", "http://127.0.0.2:80", "http://[::1]", "https://vertex.example"]
)
def test_addresses_that_may_have_the_credentials(url: str) -> None:
    assert read_settings(GOOD | {"google_endpoint": url}).endpoint == url


def test_no_emulator_runs_here(tmp_path: Path) -> None:
    with pytest.raises(BackendError) as caught:
        emulator_settings(tmp_path)
    assert str(caught.value).endswith(f"answers for {tmp_path}.\n%mlmagic use emulator starts it.")
