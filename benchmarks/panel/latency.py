"""From the event that a job's supervisor writes to the pixel that changes in the panel's list."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from support.browser_panel import open_panel
from support.browser_watch import RowWatch
from support.lab_place import LabPlace

from benchmarks.panel.table import HEAD, told

JOBS = 30


def measure(place: LabPlace) -> None:
    """Run short jobs one after another, and print how late the list is."""
    with place.tab() as tab:
        open_panel(tab)
        watch = RowWatch(tab)
        for number in range(JOBS):
            place.jobs.run(f"short{number}", "print('done')\n")
        watch.until(place.jobs.newest(f"short{JOBS - 1}"), "SUCCEEDED")
        delays = _delays(place.server.workspace / "mlmagic.db", watch.times())
    print(f"\nEvent written to pixel changed, {JOBS} jobs\n{HEAD}")
    print(told("all changes of state", delays, "ms", "p95 under 300 ms"))


def _delays(database: Path, seen: dict[tuple[str, str], float]) -> list[float]:
    """Return milliseconds from each event to the first frame that shows it, or what came after it."""
    events: dict[str, list[tuple[float, str]]] = defaultdict(list)
    with closing(sqlite3.connect(database)) as connection:
        query = (
            "SELECT subject, time, json_extract(payload, '$.state') FROM events"
            " WHERE kind = 'state' AND subject LIKE 'job:%' ORDER BY id"
        )
        for subject, micros, state in connection.execute(query):
            changes = events[subject.removeprefix("job:")]
            # An event that tells more of a job in the same state changes no pixel of its state.
            if not changes or changes[-1][1] != state:
                changes.append((micros / 1000, state))
    delays = []
    for job, changes in events.items():
        for position, (written, _) in enumerate(changes):
            shown = [seen[job, state] for _, state in changes[position:] if (job, state) in seen]
            delays.append(min(shown) - written if shown else float("inf"))
    return delays
