"""The program that a batch prediction job runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mlmagic.errors import MlmagicError, UsageError
from mlmagic.preprocessing.arguments import DATAFLOW
from mlmagic.serving.batch.arguments import Arguments, parse_arguments
from mlmagic.spec.batch import BatchResult


class Failed(Exception):  # noqa: N818 - the run did
    """An error that says all there is to say."""


def main(argv: Sequence[str] | None = None) -> None:
    """Predict the rows of files, as the arguments say."""
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        if arguments.runner == DATAFLOW:
            send(arguments)
            return
        # Only now, so that a wrong flag is told before anything large is loaded.
        from mlmagic.serving.batch.run import run
        from mlmagic.spec.codec import dumps
        from mlmagic.workspace.files import write_atomic
        from mlmagic.workspace.layout import PREDICTIONS

        result = _run(run, arguments)
        if folder := os.environ.get("AIP_MODEL_DIR"):
            write_atomic(Path(folder) / PREDICTIONS, dumps(result))
    except MlmagicError as error:
        # Our own frames would only push it off the screen.
        raise Failed(str(error)) from None


def send(arguments: Arguments) -> None:
    """Have Dataflow make a job; who watches it brings here what comes of it."""
    if arguments.sending is None:
        raise UsageError(
            "--runner dataflow: the backend brings such a job to Dataflow, and its predictions here.",
            hint="%predict MODEL --input FILES --output FOLDER --runner dataflow --backend google",
        )
    from mlmagic.preprocessing.quiet import quiet_import

    with quiet_import(is_local=False):
        from mlmagic.serving.batch.dataflow import send_pipeline
    send_pipeline(arguments, arguments.sending)


def _run(run: Callable[[Arguments, Callable[[str], None]], BatchResult], arguments: Arguments) -> BatchResult:
    try:
        return run(arguments, _print)
    except OSError as error:
        from mlmagic.serving.batch.result import cannot_write

        raise cannot_write(arguments.target.path, error) from error


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it is a program
