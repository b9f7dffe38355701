"""The program that a preprocessing job runs."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Sequence

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.arguments import LOCAL, parse_arguments


def main(cell: str, argv: Sequence[str] | None = None) -> None:
    """Make a dataset with the functions of the module `cell`, as the arguments say."""
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        # Only now, so that a wrong flag is told before Beam is loaded.
        with _quiet(is_local=arguments.runner == LOCAL):
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


@contextlib.contextmanager
def _quiet(*, is_local: bool) -> Iterator[None]:
    # On import, Beam warns of parts of Google's that are not installed and that nobody has asked for.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
        # Here, what it says of errors is said again by us, shorter; elsewhere, it tells how the job is doing.
        logging.basicConfig(format="%(message)s")
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL if is_local else logging.INFO)
