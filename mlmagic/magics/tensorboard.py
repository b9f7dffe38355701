"""`%tensorboard`: the curves of several jobs in one TensorBoard."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

TENSORBOARD = Magic(
    name="tensorboard",
    command=Command(
        summary=(
            "Show the curves of jobs in one TensorBoard; of a study, those of all its trials. It runs by itself, "
            "answers on this machine alone, and ends 30 minutes after the last look at it. Asked again for the same, "
            "it is there at once."
        ),
        arguments=(
            Argument(
                name="references",
                metavar="JOB",
                is_required=False,
                is_repeatable=True,
                help="jobs, studies and trials: an id, the beginning of one, or a name; flights/7 is trial 7 of "
                "flights; by default the newest job that trains",
            ),
        ),
        options=(
            Option(
                name="best", metavar="N", kind=Kind.COUNT, help="of studies, only the N trials with the best results"
            ),
            Option(
                name="logdir",
                metavar="DIR",
                kind=Kind.TEXT,
                is_repeatable=True,
                help="a folder of logs, which need not be a job's",
            ),
            Option(name="list", help="list those that run"),
            Option(name="stop", help="end those that show these jobs, or trials of these studies, or all"),
        ),
        examples=(
            ("%tensorboard taxi boats", "the newest job of each name, side by side"),
            ("%tensorboard flights --best 5", "the five best trials of a study; it follows while trials end"),
            ("%tensorboard --logdir logs", "a folder that you wrote yourself"),
            ("%tensorboard --stop", "end all of this workspace"),
        ),
    ),
)


def tensorboard(extension: Extension, line: Parsed) -> Any:  # noqa: ARG001 - as all magics are called
    """Return the board, or with --list those that run; with --stop tell which were ended."""
    from mlmagic.api import boards

    references, logdir = line["references"], line["logdir"] or None
    if line["list"] or line["stop"]:
        _check_alone(line)
    if line["list"]:
        return boards.boards()
    if not line["stop"]:
        return boards.tensorboard(*references, best=line["best"], logdir=logdir)
    stopped = boards.stop_boards(*references, logdir=logdir)
    titles = "; ".join(board.spec.title for board in stopped)
    sys.stdout.write(f"Ended the TensorBoard of {titles}.\n" if titles else "No such TensorBoard runs.\n")
    return None


def _check_alone(line: Parsed) -> None:
    flags = [flag for flag in ("list", "stop", "best") if line[flag]]
    given = [f"--{flag}" for flag in flags]
    if line["list"]:
        given += [*line["references"], *(["--logdir"] if line["logdir"] else [])]
    if len(given) > 1:
        raise UsageError(
            f"%tensorboard {given[0]} goes without {' and '.join(given[1:])}.",
            hint="%tensorboard --list shows all that run; %tensorboard --stop JOB ends those that show a job.",
        )
