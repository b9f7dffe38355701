"""From the event that a job's supervisor writes to the pixel that changes in the panel's list."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from benchmarks.panel.place import HEAD, Place, told

JOBS = 30

_WATCH = """
() => {
    window.seen = [];
    const known = new Set();
    const look = () => {
        for (const row of document.querySelectorAll('[data-mlm=job-row]')) {
            const state = row.querySelector('[data-mlm=state]')?.dataset.state;
            const key = row.dataset.jobId + ' ' + state;
            if (known.has(key)) continue;
            known.add(key);
            // The second frame begins when the first one is painted.
            requestAnimationFrame(() => requestAnimationFrame(() =>
                window.seen.push([row.dataset.jobId, state, performance.timeOrigin + performance.now()])));
        }
    };
    new MutationObserver(look).observe(document.body, {
        subtree: true, childList: true, attributes: true, attributeFilter: ['data-state', 'data-job-id'],
    });
    look();
}
"""


def measure(place: Place) -> None:
    """Run short jobs one after another, and print how late the list is."""
    tab = place.tab()
    tab.command("mlmagic:open-panel")
    tab.page.evaluate(_WATCH)
    for number in range(JOBS):
        place.jobs.run(f"short{number}", "print('done')\n")
    last = place.jobs.newest(f"short{JOBS - 1}")
    tab.page.wait_for_function("id => window.seen.some(told => told[0] === id && told[1] === 'SUCCEEDED')", arg=last)
    seen = {(job, state): time for job, state, time in tab.page.evaluate("() => window.seen")}
    delays = _delays(place.server.workspace / "mlmagic.db", seen)
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
            events[subject.removeprefix("job:")].append((micros / 1000, state))
    delays = []
    for job, changes in events.items():
        for position, (written, _) in enumerate(changes):
            shown = [seen[job, state] for _, state in changes[position:] if (job, state) in seen]
            delays.append(min(shown) - written if shown else float("inf"))
    return delays
