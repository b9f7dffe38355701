"""What jobs need of this machine, brought into the bucket: each file once, under the name of its content."""

from __future__ import annotations

import hashlib

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import package_object
from mlmagic.errors import UsageError

_CONTINENTS = {"US": ("us-",), "EU": ("europe-",), "ASIA": ("asia-",)}
"""Locations of several regions, and what those are called."""


class Uploader:
    """Brings packages into the bucket of a client's settings."""

    def __init__(self, client: GoogleClient) -> None:
        self._client = client
        self._is_checked = False

    def package(self, sdist: bytes) -> str:
        """Return where a source distribution lies, after bringing it there unless it was.

        Raises:
            UsageError: the bucket is in another region than the jobs.
            NotFoundError: there is no such bucket.
        """
        self._check_bucket()
        name = package_object(hashlib.sha256(sdist).hexdigest())
        if not self._client.storage.has_object(name):
            self._client.storage.put_object(name, sdist)
        return f"{self._client.settings.bucket}/{name}"

    def _check_bucket(self) -> None:
        if self._is_checked:
            return
        settings = self._client.settings
        location = self._client.storage.bucket_location()
        if not is_near(location, settings.region):
            raise UsageError(
                f"the bucket {settings.bucket} is in {location}, and jobs run in {settings.region}: "
                "Vertex AI reads and writes in its own region.",
                hint=f"Make one there: gcloud storage buckets create gs://NAME --location={settings.region} "
                f"--project={settings.project}",
            )
        self._is_checked = True


def is_near(location: str, region: str) -> bool:
    """Say whether a bucket's location is the region, or holds it."""
    name = location.upper()
    # Two regions under one name, such as NAM4, are not told apart here: Google's own answer counts.
    is_pair = name not in _CONTINENTS and "-" not in name
    return is_pair or name == region.upper() or region.startswith(_CONTINENTS.get(name, ("?",)))
