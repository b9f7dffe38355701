"""What a magic does with the plan of a job: show it, write it out, or start it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlmagic.errors import UsageError

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.job_plan import JobPlan
    from mlmagic.api.training import TrainingPlan
    from mlmagic.api.tuning import TuningPlan
    from mlmagic.magics.extension import Extension
    from mlmagic.magics.tables import Parsed


AnyPlan = TypeVar("AnyPlan", bound="JobPlan")
AnyProgramPlan = TypeVar("AnyProgramPlan", "TrainingPlan", "TuningPlan")


def carry_out(extension: Extension, line: Parsed, plan: AnyPlan) -> Job | AnyPlan:
    """Start the job, or with --dry-run and --export return the plan, which shows what would be started."""
    if line["export"] is not None:
        export(plan, line["export"])
    if line["dry_run"] and plan.cost is not None:
        print(f"It would take: {plan.cost}.")  # noqa: T201 - a line of the magic's output
    if line["dry_run"] or line["export"] is not None:
        return plan
    say_notes(plan)
    return show(extension, line, plan.submit())


def carry_out_program(extension: Extension, line: Parsed, plan: AnyProgramPlan) -> Job | AnyProgramPlan:
    """Do the same with a plan whose backend can get ready for the job while its plan is read."""
    if line["dry_run"]:
        plan.prepare()
    return carry_out(extension, line, plan)


def say_notes(plan: JobPlan) -> None:
    """Print what the user may not expect of the package, and of where and how the job will run."""
    for note in (*plan.package.notes, *plan.notes):
        print(f"Note: {note}.")  # noqa: T201 - a line of the magic's output


def show(extension: Extension, line: Parsed, job: Job) -> Job:
    """Return a job that was started as a magic does: assigned with --into, ended with --wait."""
    if line["into"]:
        extension.assign(line["into"], job)
    return extension.panels.wait(job) if line["wait"] else job


def export(plan: JobPlan, path: str) -> None:
    """Write the plan's package into a folder, and say how it is run there."""
    count = len(plan.export(path))
    command = f"cd {shlex.quote(path)} && {shlex.join(plan.command)}"
    print(f"Wrote {count} files to {path}. To run it: {command}")  # noqa: T201 - a line of the magic's output


def input_items(line: Parsed, namespace: Mapping[str, Any]) -> list[Any]:
    """Return what `--input` gives: words, and the items of lists such as `$files`.

    Raises:
        UsageError: a word is the name of a variable, and no file.
    """
    items: list[Any] = []
    for given in line["input"]:
        items += given if isinstance(given, list | tuple | set) else [given]
    for word in items:
        if isinstance(word, str) and word in namespace and not Path(word).exists():
            raise UsageError(f"{word} is a variable of the notebook, and no file: write --input ${word}")
    return items
