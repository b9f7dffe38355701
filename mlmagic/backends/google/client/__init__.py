"""The one place that imports Google's libraries. What goes in and comes out are our nouns, texts and bytes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.dataflow import DataflowCalls
from mlmagic.backends.google.client.endpoints import EndpointCalls
from mlmagic.backends.google.client.jobs import JobCalls
from mlmagic.backends.google.client.models import ModelCalls
from mlmagic.backends.google.client.permissions import PermissionCalls
from mlmagic.backends.google.client.prediction import PredictionCalls
from mlmagic.backends.google.client.storage import StorageCalls
from mlmagic.backends.google.settings import GoogleSettings


class GoogleClient:
    """Google Cloud under one set of settings. Made without a call and without an import; safe for several threads."""

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings
        self._connection = Connection(settings)
        self.jobs = JobCalls(self._connection)
        self.pipelines = DataflowCalls(self._connection)
        self.storage = StorageCalls(self._connection)
        self.models = ModelCalls(self._connection)
        self.endpoints = EndpointCalls(self._connection)
        self.prediction = PredictionCalls(self._connection)
        self.permissions = PermissionCalls(self._connection)

    @property
    def is_logged_out(self) -> bool:
        """Whether Google has not taken the credentials: after a login another client is needed."""
        return self._connection.is_logged_out

    def warm(self) -> None:
        """Begin to import what the first call needs, which takes seconds; returns at once, and never fails."""
        threading.Thread(target=self._warm, name="import google", daemon=True).start()

    def _warm(self) -> None:
        with contextlib.suppress(Exception):  # whoever makes a call is told
            _ = self.jobs.service

    def log_in(self) -> None:
        """See that there are credentials, and that Google takes them.

        Raises:
            BackendError: there are none, or they have expired.
        """
        self._connection.log_in()

    def list_dataflow_jobs(self) -> dict[str, Any]:
        """Return the newest job of Dataflow, if there is one, as its API writes it."""
        # The emulator has all APIs at one address.
        host = self.settings.endpoint if self.settings.token is not None else "https://dataflow.googleapis.com"
        address = f"{host}/v1b3/{self.settings.parent}/jobs"
        return self._connection.repeated(
            "list Dataflow's jobs", lambda: self._connection.asked("GET", address, params={"pageSize": "1"})
        )

    def log_entries(self, where: str, page_token: str = "") -> dict[str, Any]:
        """Return a page of Cloud Logging's entries that pass a filter, the oldest first, as its API writes them."""
        body = {
            "resourceNames": [f"projects/{self.settings.project}"],
            "filter": where,
            "orderBy": "timestamp asc",
            "pageSize": 1000,
            "pageToken": page_token,
        }
        address = f"{self.settings.logging_endpoint or 'https://logging.googleapis.com'}/v2/entries:list"
        return self._connection.repeated("read the log", lambda: self._connection.asked("POST", address, json=body))

    def time_series(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of Cloud Monitoring's time series, as its API writes them."""
        host = self.settings.monitoring_endpoint or "https://monitoring.googleapis.com"
        address = f"{host}/v3/projects/{self.settings.project}/timeSeries"
        return self._connection.repeated(
            "read the usage", lambda: self._connection.asked("GET", address, params=dict(parameters))
        )
