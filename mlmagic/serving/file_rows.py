"""Rows of files as a stream of Arrow: a program, since what reads all formats must not be loaded by a kernel.

It takes a `Request` as JSON from its standard input, writes the rows to its standard output, and as the last line of
its standard error a `Reading`: what could not be read.
"""

from __future__ import annotations

import sys

from mlmagic.errors import MlmagicError
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.monitoring_files import Reading, Request


def main() -> None:
    """Read what is asked for."""
    try:
        reading = _read(loads(Request, sys.stdin.buffer.read()))
    except MlmagicError as error:
        reading = Reading(error=str(error))
    print(f"\n{dumps(reading, indent=None)}", file=sys.stderr)  # noqa: T201 - as the module says


def _read(request: Request) -> Reading:
    import pyarrow as pa

    from mlmagic.preprocessing.reading.reader import read_unit
    from mlmagic.serving.file_counting import planned_source

    source = planned_source(request)
    rejected: dict[str, int] = {}
    with pa.ipc.new_stream(sys.stdout.buffer, source.schema) as out:
        for unit in source.units:
            for raw in read_unit(source, unit):
                out.write_batch(raw.batch)
                for row in raw.rejected:
                    rejected[row.reason] = rejected.get(row.reason, 0) + 1
    return Reading(rejected=rejected)


if __name__ == "__main__":
    main()
