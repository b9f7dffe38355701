"""A log of 1 million lines: how soon its end is shown."""

from __future__ import annotations

import time

from support.browser_tab import selector
from support.lab_place import LabPlace

from benchmarks.panel.table import HEAD, told

LINES = 1_000_000
ROUNDS = 5
_PROGRAM = f"""
import sys
for number in range({LINES}):
    sys.stdout.write(f"step {{number}}: loss 0.{{number % 9973:04}} of a line as long as most lines of logs are\\n")
"""


def measure(place: LabPlace) -> None:
    """Print the time from the command to the last line; the server meets this log in the first round alone."""
    job = place.jobs.run("long", _PROGRAM)
    size = next((place.server.workspace / "jobs" / job.record.id / "logs").iterdir()).stat().st_size
    taken = []
    for _ in range(ROUNDS):
        with place.tab() as tab:
            began = time.perf_counter()
            tab.command("mlmagic:open-logs", ids=[job.record.id])
            tab.page.wait_for_selector(selector("log-line", line=LINES))
            taken.append((time.perf_counter() - began) * 1000)
    print(f"\nA log of {LINES:,} lines, {size / 2**20:.0f} MiB\n{HEAD}")
    print(told("its end is shown after, the first time", taken[:1], "ms", "under 1,000"))
    print(told("its end is shown after", taken[1:], "ms", "under 1,000"))
