"""`python -m benchmarks.panel [latency|many_jobs|long_log|server_cpu|curves|bundle …]`."""

from __future__ import annotations

import sys

from support.lab_place import lab_place

from benchmarks.panel import bundle, curves, latency, long_log, many_jobs, server_cpu

PARTS = {
    "latency": latency.measure,
    "many_jobs": many_jobs.measure,
    "long_log": long_log.measure,
    "server_cpu": server_cpu.measure,
    "curves": curves.measure,
}


def main() -> int:
    """Measure the parts that are named, or all."""
    names = sys.argv[1:] or [*PARTS, "bundle"]
    if unknown := set(names) - {*PARTS, "bundle"}:
        print(f"no part is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    for name in names:
        if name == "bundle":
            bundle.measure()
            continue
        # Each with a server and a workspace of its own.
        with lab_place() as place:
            PARTS[name](place)
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
