"""The program that a preprocessing job runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.arguments import LOCAL, parse_arguments
from mlmagic.preprocessing.quiet import quiet_import


def main(cell: str, argv: Sequence[str] | None = None) -> None:
    """Make a dataset with the functions of the module `cell`, as the arguments say."""
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        # Only now, so that a wrong flag is told before Beam is loaded.
        with quiet_import(is_local=arguments.runner == LOCAL):
            from mlmagic.preprocessing.run import CellFailed, run
        try:
            run(arguments, cell)
        except CellFailed as failure:
            sys.stdout.flush()
            sys.stderr.write(failure.text)
            raise SystemExit(1) from None
    except MlmagicError as error:
        # It says all there is to say: our own frames would only push it off the screen.
        raise error.with_traceback(None) from None
