"""`python -m benchmarks [NAME…]` runs the benchmarks, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import print_environment

BENCHMARKS = (
    *("load_ext", "dry_run", "list_jobs", "submit_jobs", "usage_sampling", "read_scalars", "job_start"),
    *("training_input", "preprocess", "serving", "batch", "batch.beam", "request_log", "monitoring"),
    *("tuning.speed", "tuning.quality", "panel"),
    *("google_jobs", "google_predictions"),
)


def main() -> int:
    names = sys.argv[1:] or BENCHMARKS
    if unknown := set(names) - set(BENCHMARKS):
        print(
            f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr
        )
        return 2
    print_environment()
    sys.stdout.flush()
    return max(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in names)


if __name__ == "__main__":
    sys.exit(main())
