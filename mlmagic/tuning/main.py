"""The program that a tuning job runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlmagic.backends.registry import load_backend
from mlmagic.errors import MlmagicError, NotFoundError
from mlmagic.runtime.watch import Watch
from mlmagic.tuning.choosing import Chooser
from mlmagic.tuning.ledger import Ledger
from mlmagic.tuning.loop import StudyLoop
from mlmagic.tuning.taking_up import known_values, take_up_earlier, take_up_trials
from mlmagic.tuning.telling import Teller
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.studies import open_trials, study_spec


class Failed(Exception):  # noqa: N818 - the study did
    """An error that says all there is to say."""


def main(argv: Sequence[str]) -> None:
    """Run the study whose job's folder is the one argument, to its end or from where an earlier attempt was killed."""
    with Watch() as watch:
        try:
            run_study(JobFolder(Path(argv[0])), watch)
        except MlmagicError as error:
            # Our own frames would only push it off the screen.
            raise Failed(str(error)) from None


def run_study(folder: JobFolder, watch: Watch) -> None:
    """Run a study until its trials have ended, or `watch` was told to end.

    Raises:
        MlmagicError: it cannot go on.
    """
    workspace = folder.workspace
    spec = study_spec(workspace, folder.id)
    backend = load_backend("local", workspace)
    record = backend.get(folder.id)
    teller = Teller(spec, _print)
    try:
        take_up_trials(folder, spec)
    except NotFoundError as error:
        raise NotFoundError(f"the study that it goes on with, {spec.resumes}, is gone: {error.message}") from error
    earlier = take_up_earlier(folder, spec)
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
            package=backend.package(folder.id),
            ledger=ledger,
            chooser=lambda: Chooser(spec, ledger, known_values(spec, earlier)),
            teller=teller,
            watch=watch,
        )
        loop.run()


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is a program
