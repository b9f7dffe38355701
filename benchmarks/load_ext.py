"""`%load_ext mlmagic` in a fresh process that has IPython already, as a kernel has.

Peers: TensorBoard's extension, which notebooks of this kind load, and IPython's own autoreload, about the least that an
extension costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import Any

from benchmarks.measure import Sample, interleaved, print_table

EXTENSIONS = ("mlmagic", "tensorboard", "autoreload")
HEAVY = (
    "tensorflow",
    "keras",
    "pandas",
    "numpy",
    "google",
    "apache_beam",
    "tensorboard",
    "asyncio",
    "sqlite3",
    "psutil",
)
ROUNDS = 15

_PROGRAM = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
wall, cpu = time.perf_counter(), time.process_time()
shell.run_line_magic("load_ext", sys.argv[1])
taken = [time.perf_counter() - wall, time.process_time() - cpu]
print(json.dumps({"taken": taken, "modules": sorted(set(sys.modules) - before)}))
"""


def main() -> None:
    variants = {f"%load_ext {name}": partial(_load, name) for name in EXTENSIONS}
    print_table("Loading the extension", interleaved(variants, rounds=ROUNDS), goal="under 150 ms")
    modules = _report("mlmagic")["modules"]
    heavy = sorted({name.partition(".")[0] for name in modules} & set(HEAVY))
    print(f"\n  mlmagic adds {len(modules)} modules; heavy ones among them: {', '.join(heavy) or 'none'}")
    print("  slowest to import, itself (ms):")
    for self_time, module in _import_times()[:8]:
        print(f"    {self_time / 1000:6.1f}  {module}")


def _load(extension: str) -> Sample:
    return Sample(*_report(extension)["taken"])


def _report(extension: str) -> dict[str, Any]:
    output = subprocess.run(
        [sys.executable, "-c", _PROGRAM, extension], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout
    return dict(json.loads(output.splitlines()[-1]))


def _import_times() -> list[tuple[int, str]]:
    """Read `-X importtime`: microseconds in each module itself, of those imported after IPython was there."""
    command = [sys.executable, "-X", "importtime", "-c", _PROGRAM, "mlmagic"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")]
    times = [(int(row[0]), row[2].strip()) for row in rows if row[0].strip().isdigit()]
    added = set(_report("mlmagic")["modules"])
    return sorted((row for row in times if row[1] in added), reverse=True)


if __name__ == "__main__":
    main()
