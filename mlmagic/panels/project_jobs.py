"""Below a list of jobs: those of the project in the cloud that this workspace has not made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import fit, one_line, table
from mlmagic.panels.times import ago, duration
from mlmagic.spec.project_jobs import ProjectJob, ProjectJobs

_HEADS = ("State", "Job", "What", "Took", "Made", "Error")


def project_jobs_html(projects: Sequence[ProjectJobs], now: datetime) -> Html:
    """Return a card for each project."""
    return join([_card(project, now) for project in projects])


def project_jobs_text(projects: Sequence[ProjectJobs], now: datetime) -> str:
    """Return the same as text, a table for each project."""
    return "\n\n".join("\n".join(_lines(project, now)) for project in projects)


def _card(project: ProjectJobs, now: datetime) -> Html:
    rows = [
        [
            theme.badge(job.state),
            join([element("strong", job.display_name), element("br"), theme.copyable(job.number)]),
            job.service,
            _took(job, now),
            element("span", ago(job.create_time, now), style="white-space:nowrap"),
            fit(one_line(job.error or ""), 120),
        ]
        for job in project.jobs
    ]
    return theme.card(
        element("strong", _title(project)),
        theme.table(_HEADS, rows, wraps=[1, len(_HEADS) - 1]) if rows else None,
        theme.row(theme.paragraphs([theme.faint(note) for note in _notes(project)])),
    )


def _lines(project: ProjectJobs, now: datetime) -> Iterator[str]:
    yield f"{_title(project)}:"
    if project.jobs:
        rows = [
            [
                f"{theme.icon(job.state)} {job.state.value}",
                job.display_name,
                job.number,
                job.service,
                _took(job, now),
                ago(job.create_time, now),
            ]
            for job in project.jobs
        ]
        yield table(["  STATE", "JOB", "NUMBER", "WHAT", "TOOK", "MADE"], rows, flexible=1)
    yield from _notes(project)


def _title(project: ProjectJobs) -> str:
    return f"Not of this workspace, in {project.place} ({project.backend})"


def _notes(project: ProjectJobs) -> list[str]:
    count = f"The newest {len(project.jobs)} of them." if project.has_more else None
    nothing = None if project.jobs or project.problems else "There are no others."
    only = "They are listed only: no log, curve or model of them is brought here." if project.jobs else None
    problems = [f"Not all could be asked for: {one_line(problem)}" for problem in project.problems]
    return [note for note in (nothing, count, only, *problems) if note is not None]


def _took(job: ProjectJob, now: datetime) -> str:
    if job.start_time is None:
        return "—"
    return duration(((job.end_time or now) - job.start_time).total_seconds())
