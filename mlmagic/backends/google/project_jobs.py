"""The jobs of a project that are none of this workspace's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.states import state_of
from mlmagic.errors import MlmagicError
from mlmagic.spec.job import JobState
from mlmagic.spec.project_jobs import ProjectJob, ProjectJobs

MOST_JOBS = 100
"""Of each kind, and of all together. That Vertex AI lists the newest first is unverified: no order can be asked for."""
_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "custom job": "custom_jobs",
        "study": "hyperparameter_tuning_jobs",
        "batch prediction": "batch_prediction_jobs",
    }
)
"""What runs a job → the list of Vertex AI that has it."""


def project_jobs(client: GoogleClient, backend: str, known: Collection[str]) -> ProjectJobs:
    """Return the newest jobs of the settings' project and region but for those whose names are `known`."""
    found: list[ProjectJob] = []
    problems: list[str] = []
    has_more = False
    for service, ask in _asks(client).items():
        try:
            told = ask()
        except MlmagicError as error:
            problems.append(error.message)
            continue
        has_more = has_more or len(told) >= MOST_JOBS
        found += [job for each in told if each.name not in known and (job := _job(each, service)) is not None]
    found.sort(key=lambda job: (job.create_time, job.name), reverse=True)
    return ProjectJobs(
        backend=backend,
        place=f"project {client.settings.project}, {client.settings.region}",
        jobs=tuple(found[:MOST_JOBS]),
        has_more=has_more or len(found) > MOST_JOBS,
        # Where nobody is logged in, each list says the same.
        problems=tuple(dict.fromkeys(problems)),
    )


def _asks(client: GoogleClient) -> dict[str, Callable[[], list[RemoteJob]]]:
    def of_vertex(name: str) -> Callable[[], list[RemoteJob]]:
        return lambda: client.jobs.newest(name, MOST_JOBS)

    asks = {service: of_vertex(name) for service, name in _LISTS.items()}
    return asks | {"Dataflow": lambda: client.pipelines.newest(MOST_JOBS)}


def _job(remote: RemoteJob, service: str) -> ProjectJob | None:
    if remote.create_time is None:
        return None
    return ProjectJob(
        name=remote.name,
        display_name=remote.display_name,
        service=service,
        state=state_of(remote.state) or JobState.QUEUED,
        labels=remote.labels,
        create_time=remote.create_time,
        start_time=remote.start_time,
        end_time=remote.end_time,
        error=remote.error,
    )
