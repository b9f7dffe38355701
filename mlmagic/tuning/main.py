"""The program that a tuning job runs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mlmagic.backends.registry import load_backend
from mlmagic.errors import MlmagicError
from mlmagic.runtime.resumed import take_up_trials
from mlmagic.runtime.watch import Watch
from mlmagic.tuning.choosing import Chooser
from mlmagic.tuning.ledger import Ledger
from mlmagic.tuning.loop import StudyLoop, ToldToEnd, patiently
from mlmagic.tuning.taking_up import known_values, take_up_earlier
from mlmagic.tuning.telling import Teller
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.studies import open_trials, study_spec


class Failed(Exception):  # noqa: N818 - the study did
    """An error that says all there is to say."""


def main(argv: Sequence[str]) -> None:
    """Run the study whose job's folder is the one argument, to its end or from where an earlier attempt was killed."""
    try:
        with Watch() as watch:
            run_study(JobFolder(Path(argv[0])), watch)
    except ToldToEnd:
        _end_by(signal.SIGTERM)
    except MlmagicError as error:
        # Our own frames would only push it off the screen.
        raise Failed(str(error)) from None
    finally:
        _close_output()


def run_study(folder: JobFolder, watch: Watch) -> None:
    """Run a study until its trials have ended, or `watch` was told to end.

    Raises:
        ToldToEnd: somebody ended this program alone.
        MlmagicError: it cannot go on.
    """
    workspace = folder.workspace
    spec = study_spec(workspace, folder.id)
    backend = load_backend("local", workspace)
    record = patiently(lambda: backend.get(folder.id))
    teller = Teller(spec, _print)
    patiently(lambda: take_up_trials(folder, spec))
    earlier = patiently(lambda: take_up_earlier(folder, spec))
    for remark in earlier.remarks:
        teller.says(remark)
    with open_trials(folder) as log:
        ledger = Ledger(folder, spec, log)
        teller.begins(ledger.study)
        loop = StudyLoop(
            workspace,
            backend,
            record,
            spec,
            package=patiently(lambda: backend.package(folder.id)),
            ledger=ledger,
            chooser=lambda: Chooser(spec, ledger, known_values(spec, earlier)),
            teller=teller,
            watch=watch,
        )
        loop.run()


def _print(text: str) -> None:
    # On a full disk: nothing that is said is worth a study.
    with contextlib.suppress(OSError):
        print(text, flush=True)  # noqa: T201 - it is a program


def _close_output() -> None:
    """Let go of what could not be printed, which would give this program an exit status of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _end_by(number: signal.Signals) -> None:
    """End as if nothing here had listened for the signal: a study that was killed goes on."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
