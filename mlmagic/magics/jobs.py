"""`%jobs`: list, describe, follow, cancel and wait for jobs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.magics.extension import Extension

_JOB = Argument(name="job", metavar="JOB", help="an id, the beginning of one, or a name: its newest job")

JOBS = Magic(
    name="jobs",
    default="list",
    command=Command(
        summary="The jobs of this workspace. JOB is an id, the beginning of one, or a name: its newest job.",
        examples=(
            ("%jobs", "all jobs"),
            ("%jobs describe taxi", "the newest job called taxi: its state, its log, what went wrong"),
            ("%jobs logs taxi -f", "what it prints, until it has ended"),
            ("%jobs wait taxi", "stay here until it has ended"),
        ),
    ),
    subcommands={
        "list": Command(
            summary="list jobs, newest first",
            options=(Option(name="limit", metavar="N", kind=Kind.COUNT, default=50, help="how many at most"),),
        ),
        "describe": Command(summary="show a job, live while it goes on", arguments=(_JOB,)),
        "logs": Command(
            summary="show what a job's program printed",
            arguments=(_JOB,),
            examples=(
                ("%jobs logs taxi", "all that the newest job called taxi has printed so far"),
                ("%jobs logs taxi -f --tail 20", "its last 20 lines, and what follows"),
            ),
            options=(
                Option(name="follow", short="f", help="go on until the job has ended"),
                Option(name="tail", metavar="N", kind=Kind.COUNT, help="only the last N lines"),
            ),
        ),
        "cancel": Command(summary="end a job", arguments=(_JOB,)),
        "wait": Command(
            summary="wait until a job has ended, and fail if it failed; an interrupt ends the waiting, not the job",
            arguments=(_JOB,),
        ),
    },
)


def jobs(extension: Extension, line: Parsed) -> Any:
    """Do what the subcommand says."""
    from mlmagic.api import jobs as api

    if line.subcommand == "list":
        return api.jobs(limit=line["limit"])
    job = api.job(line["job"])
    match line.subcommand:
        case "logs" if line["follow"]:
            return _follow(job, line["tail"])
        case "logs":
            return job.logs(tail=line["tail"])
        case "cancel":
            return _cancel(job)
        case "wait":
            return extension.panels.wait(job)
        case _:
            return job


def _cancel(job: Job) -> Job:
    state = job.state
    if state.is_final:
        sys.stdout.write(f"{job.id} has ended already ({state}); there is nothing to cancel.\n")
    return job.cancel()


def _follow(job: Job, tail: int | None) -> None:
    told = job.logs() if tail else ""
    sys.stdout.write("".join(told.splitlines(keepends=True)[-tail:]) if tail else "")
    skipped = len(told)
    try:
        for text in job.follow():
            sys.stdout.write(text[skipped:])
            sys.stdout.flush()
            skipped = max(0, skipped - len(text))
    except KeyboardInterrupt:
        name = job.spec.display_name
        sys.stdout.write(f"\nDetached: the job goes on. %jobs logs {name} -f attaches again.\n")
