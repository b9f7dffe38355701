"""`%jobs`: what its subcommands do."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.job_options import changes
from mlmagic.magics.submission import show
from mlmagic.magics.tables import Parsed

if TYPE_CHECKING:
    from mlmagic.api.deletion import Deletion
    from mlmagic.api.job import Job
    from mlmagic.api.job_list import JobList
    from mlmagic.api.logs import LogText
    from mlmagic.magics.extension import Extension


def jobs(extension: Extension, line: Parsed) -> Any:
    """Do what the subcommand says."""
    from mlmagic.api import jobs as api

    match line.subcommand:
        case "list":
            return _list(line)
        case "watch":
            return _watch(extension, _list(line))
        case "cancel":
            return _cancel(line)
        case "rerun":
            return _rerun(extension, line)
        case "diff":
            from mlmagic.api.difference import diff_jobs

            return diff_jobs(line["first"], line["second"])
        case "compare":
            from mlmagic.api.comparison import compare_jobs

            return compare_jobs(*line["jobs"], filter=line["filter"], limit=line["limit"])
        case "delete":
            return _delete(line)
    job = api.job(line["job"])
    match line.subcommand:
        case "logs" if line["follow"]:
            return _follow(job, line)
        case "logs":
            return _logs(job, line)
        case "wait":
            return extension.panels.wait(job)
        case _:
            return job


def _list(line: Parsed) -> JobList:
    from mlmagic.api.jobs import jobs

    limit = None if line["all"] else line["limit"]
    return jobs(line["filter"], sort_by=line["sort_by"], limit=limit, trials=line["trials"], others=line["all"])


def _watch(extension: Extension, jobs: JobList) -> None:
    try:
        extension.panels.watch(jobs)
    except KeyboardInterrupt:
        # Behind what a terminal shows of the key.
        sys.stdout.write("\n" if sys.stdout.isatty() else "")
        sys.stdout.write("Stopped watching; the jobs go on.\n")


def _cancel(line: Parsed) -> Job | JobList:
    from mlmagic.api.jobs import cancel_jobs, job

    if len(line["jobs"]) != 1 or line["filter"] is not None:
        return cancel_jobs(*line["jobs"], filter=line["filter"])
    one = job(line["jobs"][0])
    state = one.state
    if state.is_final:
        sys.stdout.write(f"{one.id} has ended already ({state}); there is nothing to cancel.\n")
    return one.cancel()


def _rerun(extension: Extension, line: Parsed) -> Job:
    from mlmagic.api.jobs import job

    again = job(line["job"]).rerun(
        line.program,
        # A switch that is not given leaves what the job had.
        set_default=line["set_default"] or None,
        invocation=line.invocation,
        **changes(line),
    )
    return show(extension, line, again)


def _delete(line: Parsed) -> Deletion:
    from mlmagic.api.retention import plan_deletion

    plan = plan_deletion(*line["jobs"], filter=line["filter"], older_than=line["older_than"], keep=line["keep"])
    if line["dry_run"]:
        return plan
    if len(plan) > 1 and not line["yes"]:
        told = [text.strip() for text in plan.lines()]
        raise UsageError(
            f"%jobs delete would remove {len(plan)} jobs; nothing is deleted yet:",
            problems=told,
            hint=f"To remove them: {line.invocation} --yes",
        )
    return plan.delete()


def _logs(job: Job, line: Parsed) -> LogText:
    text = job.logs(tail=line["tail"], role=line["role"], grep=line["grep"])
    if not text:
        _tell_of_nothing(job, line)
    return text


def _tell_of_nothing(job: Job, line: Parsed) -> None:
    """Say why there is no line to be seen."""
    state, yet = job.state, "" if job.state.is_final else " yet"
    found = f"printed nothing{yet}" if line["grep"] is None else f"printed no line{yet} with {line['grep']}"
    sys.stdout.write(f"{job.id} is {state} and has {found}.\n")


def _follow(job: Job, line: Parsed) -> None:
    from mlmagic.api.log_colours import LogColours

    colours = LogColours()
    has_come = False
    try:
        for text in job.follow(tail=line["tail"], role=line["role"], grep=line["grep"]):
            has_come = True
            sys.stdout.write(colours(text))
            sys.stdout.flush()
        if not has_come:
            _tell_of_nothing(job, line)
    except KeyboardInterrupt:
        told = [f" --{name} {shlex.quote(line[name])}" for name in ("role", "grep") if line[name] is not None]
        again = f"%jobs logs {job.id} -f{''.join(told)}"
        sys.stdout.write(f"\nDetached: the job goes on. {again} attaches again.\n")
