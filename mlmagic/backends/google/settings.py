"""Where in Google Cloud work runs, and how Google is reached: read from the user's settings, checked all at once."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mlmagic.errors import BackendError, UsageError, nearest
from mlmagic.spec.vertex import account_problem, network_problem

REGIONS = (
    *("africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3"),
    *("asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1"),
    *("australia-southeast2", "europe-central2", "europe-north1", "europe-north2", "europe-southwest1"),
    *("europe-west1", "europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8", "europe-west9"),
    *("europe-west12", "me-central1", "me-central2", "me-west1", "northamerica-northeast1"),
    *("northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4"),
    *("us-east5", "us-east7", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4", "us-west8"),
)
"""Where Vertex AI trains: the client library's list without `global`, where no machines are."""

ADDRESS_KEYS = ("google_endpoint", "google_storage_endpoint", "google_logging_endpoint", "google_monitoring_endpoint")
"""What is set where Google is not reached under its own names."""

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", re.ASCII)
_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", re.ASCII)
_SWITCH = {"on": True, "off": False}
_EXAMPLE = "%mlmagic use google --project PROJECT --region us-central1 --bucket gs://BUCKET"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleSettings:
    """A project, a region, a bucket, and the addresses of Google's services."""

    project: str
    region: str
    bucket: str
    """`gs://name`: packages, and what jobs write."""
    image: str | None = None
    """The container image that jobs run in; None for the one that is like the notebook."""
    service_account: str | None = None
    network: str | None = None
    spot: bool = False
    endpoint: str | None = None
    """Of Vertex AI; None for the region's own. The next three, too, are None for Google's own."""
    storage_endpoint: str | None = None
    logging_endpoint: str | None = None
    monitoring_endpoint: str | None = None
    rpc_endpoint: str | None = None
    """`127.0.0.1:PORT`, where the emulator speaks gRPC, without TLS."""
    token: str | None = field(default=None, repr=False)
    """What the emulator lets in; None for Application Default Credentials."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables by which Google's own clients in another process find the emulator."""
    poll_seconds: float = 1.0
    """How often a reader asks about a job at most."""
    settle_seconds: float = 20.0
    """How long what has been done may not be seen yet in lists and logs."""

    @property
    def parent(self) -> str:
        """What Vertex AI's resources are below."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def bucket_name(self) -> str:
        """The bucket without `gs://`."""
        return self.bucket.removeprefix("gs://")


def read_settings(config: Mapping[str, str]) -> GoogleSettings:
    """Return the settings that a `config.toml`'s keys give.

    Raises:
        UsageError: some are missing, or cannot be right; all are listed.
    """
    problems = [*_missing(config), *_wrong(config)]
    if problems:
        raise UsageError("the backend 'google' cannot be used as it is set up:", problems=problems, hint=_EXAMPLE)
    return GoogleSettings(
        project=config["google_project"],
        region=config["google_region"],
        bucket=config["google_bucket"].rstrip("/"),
        image=config.get("google_image"),
        service_account=config.get("google_service_account"),
        network=config.get("google_network"),
        spot=_SWITCH[config.get("google_spot", "off")],
        endpoint=config.get("google_endpoint"),
        storage_endpoint=config.get("google_storage_endpoint"),
        logging_endpoint=config.get("google_logging_endpoint"),
        monitoring_endpoint=config.get("google_monitoring_endpoint"),
    )


def check_settings(config: Mapping[str, str]) -> None:
    """See that the settings that are given can be right; others may be missing.

    Raises:
        UsageError: some cannot; all are listed.
    """
    if problems := _wrong(config):
        raise UsageError("these settings of Google Cloud cannot be right:", problems=problems, hint=_EXAMPLE)


def emulator_settings(root: Path) -> GoogleSettings:
    """Return the settings of the emulator whose folder this is, as it is reached now.

    Raises:
        BackendError: none runs there.
    """
    try:
        address = json.loads((root / "address.json").read_bytes())
        url, token = address["url"], address["token"]
    except (OSError, ValueError, KeyError) as error:
        raise BackendError(
            f"no emulator of Google Cloud answers for {root}.", hint="%mlmagic use emulator starts it."
        ) from error
    return GoogleSettings(
        project=address["project"],
        region=address["region"],
        bucket=f"gs://{address['bucket']}",
        endpoint=url,
        storage_endpoint=f"{url}/{token}",
        logging_endpoint=url,
        monitoring_endpoint=url,
        rpc_endpoint=address.get("grpcAddress"),
        token=token,
        environment=address["environment"],
        poll_seconds=0.1,
        settle_seconds=0.0,
    )


def _missing(config: Mapping[str, str]) -> list[str]:
    flags = {"google_project": "--project", "google_region": "--region", "google_bucket": "--bucket"}
    return [f"{flag} is missing" for key, flag in flags.items() if not config.get(key)]


def _wrong(config: Mapping[str, str]) -> list[str]:
    problems = []
    project, region, bucket = (config.get(f"google_{name}") for name in ("project", "region", "bucket"))
    if project and not _PROJECT.fullmatch(project):
        problems.append(
            f"project {project!r} is no project's id: 6 to 30 lowercase letters, digits and -, as in my-project-123"
        )
    if region and region not in REGIONS:
        problems.append(f"region {region!r} is none of Vertex AI's. {nearest(region, REGIONS)}".rstrip())
    if bucket and not _BUCKET.fullmatch(bucket.rstrip("/")):
        told = f"; write gs://{bucket}" if _BUCKET.fullmatch(f"gs://{bucket}") else ""
        problems.append(f"bucket {bucket!r} is not of the form gs://NAME{told}")
    return problems + _wrong_others(config)


def _wrong_others(config: Mapping[str, str]) -> list[str]:
    problems = []
    if (account := config.get("google_service_account")) and (problem := account_problem(account)):
        problems.append(problem)
    if (network := config.get("google_network")) and (problem := network_problem(network)):
        problems.append(problem)
    if (spot := config.get("google_spot")) and spot not in _SWITCH:
        problems.append(f"google-spot is on or off, not {spot!r}")
    addresses = {key.replace("_", "-"): config[key] for key in ADDRESS_KEYS if config.get(key)}
    for key, url in addresses.items():
        if not url.startswith(("http://", "https://")):
            problems.append(f"{key} {url!r} does not begin with https:// or http://")
        elif url.startswith("http://") and not _is_here(url):
            problems.append(f"{key} {url!r} begins with http://: credentials go there, so only this machine may")
    return problems


def _is_here(url: str) -> bool:
    """Say whether an address is this machine's."""
    with contextlib.suppress(ValueError):
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False
