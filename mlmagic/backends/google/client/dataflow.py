"""Calls to Dataflow: jobs, what they say, and what they count."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.states import state_of
from mlmagic.errors import BackendError, NotFoundError

_CANCELLED = "JOB_STATE_CANCELLED"


class DataflowCalls:
    """Dataflow's jobs of the settings' project and region, over REST as it is: its client would import Beam's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> RemoteJob:
        """Return a job as it is now.

        Raises:
            NotFoundError: there is none.
        """
        return _remote(self._asked("look at the job", "GET", name))

    def find(self, job_name: str) -> list[RemoteJob]:
        """Return the jobs of a name, the newest first: one that goes on, or several that have ended."""
        where = f"{self._connection.settings.parent}/jobs"
        pages = self._pages("list Dataflow's jobs", where, {"name": job_name, "filter": "ALL"})
        return [_remote(job) for page in pages for job in page.get("jobs", []) if job.get("name") == job_name]

    def newest(self, limit: int) -> list[RemoteJob]:
        """Return jobs, whoever made them, in Dataflow's own order, which is the newest first."""
        where = f"{self._connection.settings.parent}/jobs"
        pages = self._pages("list Dataflow's jobs", where, {"filter": "ALL"})
        found = (job for page in pages for job in page.get("jobs", []))
        return [_remote(job) for job in itertools.islice(found, limit)]

    def cancel(self, name: str) -> None:
        """Ask a job to end; of one that has ended, or is gone, nothing is asked."""
        with contextlib.suppress(NotFoundError):
            try:
                self._asked("cancel the job", "PUT", name, json={"requestedState": _CANCELLED})
            except BackendError:
                found = state_of(self.get(name).state)
                if found is None or not found.is_final:
                    raise

    def messages(self, name: str, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
        """Yield pages of what a job said since then, in the form of Cloud Logging's entries."""
        where = {"minimumImportance": "JOB_MESSAGE_BASIC"}
        if since is not None:
            where["startTime"] = since.isoformat().replace("+00:00", "Z")
        for page in self._pages("read the log", f"{name}/messages", where):
            yield [
                {
                    "insertId": told.get("id", ""),
                    "timestamp": told["time"],
                    "textPayload": told.get("messageText", ""),
                    "labels": {"task_name": "workerpool0-0"},
                }
                for told in page.get("jobMessages", [])
                if "time" in told
            ]

    def counters(self, name: str) -> dict[str, int]:
        """Return what the pipeline has counted so far, by the counters' names, with the work that is under way.

        Work that is done twice may be counted twice until the pipeline has ended.
        """
        metrics = self._asked("read the counters", "GET", f"{name}/metrics").get("metrics", [])
        found: dict[str, int] = {}
        for metric in metrics:
            told = metric.get("name", {})
            if told.get("origin") == "user":
                counter = str(told.get("name"))
                # Of each there are two: what is certain, and what is not yet.
                with contextlib.suppress(TypeError, ValueError):
                    found[counter] = max(found.get(counter, 0), int(float(metric.get("scalar"))))
        return found

    def _pages(self, doing: str, where: str, parameters: dict[str, str]) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            page = self._asked(doing, "GET", where, params={**parameters, **({"pageToken": token} if token else {})})
            yield page
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _asked(self, doing: str, method: str, name: str, **arguments: Any) -> dict[str, Any]:
        settings = self._connection.settings
        # The emulator has all APIs at one address.
        host = settings.endpoint if settings.token is not None else "https://dataflow.googleapis.com"
        address = f"{host}/v1b3/{name}"
        return self._connection.repeated(doing, lambda: self._connection.asked(method, address, **arguments))


def is_pipeline(name: str | None) -> bool:
    """Say whether a job's name is that of one of Dataflow's."""
    return name is not None and "/jobs/" in name


def _remote(job: dict[str, Any]) -> RemoteJob:
    state = str(job.get("currentState", "JOB_STATE_UNKNOWN"))
    found = state_of(state)
    return RemoteJob(
        name=f"projects/{job['projectId']}/locations/{job['location']}/jobs/{job['id']}",
        display_name=str(job.get("name", "")),
        state=state,
        labels=dict(job.get("labels", {})),
        create_time=_time(job.get("createTime")),
        start_time=_time(job.get("startTime")),
        end_time=_time(job.get("currentStateTime")) if found is not None and found.is_final else None,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
