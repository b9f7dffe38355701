"""`%tensorboard`: the curves of several jobs in one TensorBoard."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed
from mlmagic.tensorboards.flags import FLAGS, read_words

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

_VS_CODE = "__vsc_ipynb_file__"
"""The variable by which VS Code tells a kernel which notebook it runs."""
_OWN = tuple(
    Option(
        name=flag.name.replace("_", "-"),
        metavar=flag.metavar,
        kind=Kind.TEXT if flag.takes_value else Kind.SWITCH,
        help=flag.help or "TensorBoard's own",
        is_listed=flag.is_listed,
    )
    for flag in FLAGS
)

TENSORBOARD = Magic(
    name="tensorboard",
    command=Command(
        summary=(
            "Show the curves of jobs in one TensorBoard; of a study, those of all its trials. It runs by itself, "
            "behind the login of the Jupyter server or on this machine alone, and ends 30 minutes after the last look "
            "at it. Asked again for the same, it is there at once. All flags of TensorBoard's own that a board has a "
            "use for are taken, too, here or after --."
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
            *_OWN,
        ),
        takes_program=True,
        is_program_known=True,
        examples=(
            ("%tensorboard taxi boats", "the newest job of each name, side by side"),
            ("%tensorboard flights --best 5", "the five best trials of a study; it follows while trials end"),
            ("%tensorboard --logdir logs", "a folder that you wrote yourself"),
            ("%tensorboard taxi --samples_per_plugin images=50", "with a flag of TensorBoard's own"),
            ("%tensorboard --stop", "end all of this workspace"),
        ),
    ),
)


def tensorboard(extension: Extension, line: Parsed) -> Any:
    """Return the board, or with --list those that run; with --stop tell which were ended."""
    from mlmagic.api import boards
    from mlmagic.session import current_session

    current_session().is_in_vs_code = _VS_CODE in extension.shell.user_ns
    flags, folders = _own_flags(line)
    references, logdir = line["references"], [*line["logdir"], *folders] or None
    if line["list"] or line["stop"]:
        _check_alone(line, flags, logdir)
    if line["list"]:
        return boards.boards()
    if not line["stop"]:
        return boards.tensorboard(*references, best=line["best"], logdir=logdir, flags=flags)
    stopped = boards.stop_boards(*references, logdir=logdir)
    titles = "; ".join(board.spec.title for board in stopped)
    sys.stdout.write(f"Ended the TensorBoard of {titles}.\n" if titles else "No such TensorBoard runs.\n")
    return None


def _own_flags(line: Parsed) -> tuple[dict[str, object], list[str]]:
    """Return the flags of TensorBoard's own, and the folders of logs that stand behind `--`."""
    flags: dict[str, object] = {flag.name: line[flag.name] for flag in FLAGS if line[flag.name]}
    behind, folders = read_words(line.program)
    if twice := [f"--{name}" for name in behind if name in flags]:
        raise UsageError(f"%tensorboard: {' and '.join(twice)} stands before and after --.")
    return flags | behind, folders


def _check_alone(line: Parsed, flags: dict[str, object], logdir: list[str] | None) -> None:
    given = [f"--{flag}" for flag in ("list", "stop", "best") if line[flag]]
    if line["list"]:
        given += [*line["references"], *(["--logdir"] if logdir else [])]
    given += [f"--{name}" for name in flags]
    if len(given) > 1:
        raise UsageError(
            f"%tensorboard {given[0]} goes without {' and '.join(given[1:])}.",
            hint="%tensorboard --list shows all that run; %tensorboard --stop JOB ends those that show a job.",
        )
