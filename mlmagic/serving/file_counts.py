"""Counts files for monitoring with a pipeline of Beam: a program, for a kernel must not load Beam.

It takes a `CountRequest` as JSON from its standard input, and writes a `CountReading` as the last line of its standard
output.
"""

from __future__ import annotations

import sys
import tempfile

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.quiet import quiet_import
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.monitoring_files import CountRequest


def main() -> None:
    """Count what is asked for."""
    request = loads(CountRequest, sys.stdin.buffer.read())
    with quiet_import(is_local=True):
        import apache_beam  # noqa: F401

        from mlmagic.serving.file_counting import count_files, told
    with tempfile.TemporaryDirectory(prefix="mlmagic-counts-") as folder:
        try:
            reading = count_files(request, folder)
        except MlmagicError as error:
            reading = told(error)
    print(f"\n{dumps(reading, indent=None)}")  # noqa: T201 - as the module says


if __name__ == "__main__":
    main()
