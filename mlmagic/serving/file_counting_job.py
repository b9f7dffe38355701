"""Brings the pipeline that counts files for monitoring to Dataflow; what is counted stands in `request.json`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.arguments import LOCAL, parse_arguments
from mlmagic.preprocessing.quiet import quiet_import
from mlmagic.spec.codec import loads
from mlmagic.spec.monitoring_files import CountRequest


def main(argv: Sequence[str] | None = None) -> None:
    """Have Dataflow make a job, as the arguments say."""
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
    package = Path(__file__).absolute().parents[1]
    request = loads(CountRequest, (package / "request.json").read_bytes())
    with quiet_import(is_local=arguments.runner == LOCAL):
        import apache_beam  # noqa: F401

        from mlmagic.serving.file_counting import send_pipeline
    try:
        send_pipeline(arguments, request, package.parent)
    except MlmagicError as error:
        # It says all there is to say: our own frames would only push it off the screen.
        raise error.with_traceback(None) from None
