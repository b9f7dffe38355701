"""What the list of jobs in a tab has shown, and when."""

from __future__ import annotations

from support.browser_tab import Tab

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


class RowWatch:
    """Notes each state of each job that the list shows, from now on."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        tab.page.evaluate(_WATCH)

    def times(self) -> dict[tuple[str, str], float]:
        """Return when a job was first seen in a state: milliseconds since 1970, in the order of the frames."""
        return {(job, state): time for job, state, time in self._tab.page.evaluate("() => window.seen")}

    def states(self, job_id: str) -> list[str]:
        """Return the states in which a job was seen, in their order."""
        return [state for job, state in self.times() if job == job_id]

    def until(self, job_id: str, state: str) -> None:
        """Return when a job has been seen in a state."""
        self._tab.page.wait_for_function(
            "([id, state]) => window.seen.some(told => told[0] === id && told[1] === state)", arg=[job_id, state]
        )
