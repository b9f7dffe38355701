"""`%%tune` and `%tune`: a cell becomes a study, and what can be done with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.magics.job_options import changes
from mlmagic.magics.study_line import study_arguments
from mlmagic.magics.submission import carry_out_program, show
from mlmagic.magics.tables import Parsed
from mlmagic.magics.training_line import training_arguments

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.tuning import TuningPlan
    from mlmagic.magics.extension import Extension


def start_study(extension: Extension, line: Parsed, space: Any) -> Job | TuningPlan:
    """Start a study over a space, or with --dry-run and --export show what would be started."""
    from mlmagic.api.tuning import plan_tuning

    plan = plan_tuning(**training_arguments(extension, line), **study_arguments(line, space))
    return carry_out_program(extension, line, plan)


def tune(extension: Extension, line: Parsed) -> Any:
    """Start a study or show what would be started, or do what the subcommand says."""
    from mlmagic.api.study import studies, study

    match line.subcommand:
        case None:
            return start_study(extension, line, line["space"])
        case "list":
            return studies(limit=None if line["all"] else line["limit"])
        case "best":
            best = study(line["study"]).describe_best()
            if line["into"]:
                extension.assign(line["into"], best)
            return best
        case "plot":
            return study(line["study"]).plot(*line["kind"])
        case "resume":
            return _resume(extension, line)
        case "promote":
            return _promote(extension, line)
        case _:
            limit = None if line["all"] else line["limit"]
            return study(line["study"]).showing(sort_by=line["sort_by"], limit=limit)


def _resume(extension: Extension, line: Parsed) -> Job:
    from mlmagic.api.promotion import resume

    settings = {name: line[name] for name in ("trials", "parallel", "max_failed", "promote", "budget", "yes")}
    return show(extension, line, resume(line["study"], **settings, invocation=line.invocation))


def _promote(extension: Extension, line: Parsed) -> Job:
    from mlmagic.api.promotion import promote

    own = {name: line[name] for name in ("trial", "model", "set_default")}
    job = promote(line["study"], args=line.program, invocation=line.invocation, **own, **changes(line))
    return show(extension, line, job)
