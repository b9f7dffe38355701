"""What a server keeps to tell what moves in a workspace: one of each for all requests."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from mlmagic.errors import MlmagicError
from mlmagic.server.curves_growing import CurveFolders
from mlmagic.server.live import LiveJobs
from mlmagic.server.live_rows import RowReader
from mlmagic.server.live_study import LiveStudies
from mlmagic.server.log_index import LogIndexes
from mlmagic.server.watcher import Watcher
from mlmagic.server.watcher_changes import Changes
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlmagic.session import Session
    from mlmagic.spec.endpoint import EndpointRecord

_TEND_SECONDS = 10.0


class Views:
    """All that is kept about one workspace."""

    def __init__(self, session: Session) -> None:
        self.workspace = session.location
        database = Database(self.workspace)
        self.jobs = JobStore(database)
        self.logs = LogIndexes()
        self.curves = CurveFolders()
        self._session = session
        self._lock = Lock()
        self._tended: float | None = None
        self.rows = RowReader(database, LiveJobs(self.workspace, self.curves), LiveStudies(self.workspace), self.tend)
        self.watcher = Watcher(Changes(database, self.rows, self.tend, self._endpoints))

    def _endpoints(self) -> Sequence[EndpointRecord]:
        # To have them makes the workspace, if it is not there: not before somebody looks into one that is.
        return self._session.endpoints.list()

    def tend(self) -> None:
        """Make the rows true of jobs whose machinery has died, and have one started for those that wait; now and then.

        Agents do so as long as they live. Never fails, and makes no workspace.
        """
        if not self.workspace.database.exists():
            return
        now = time.monotonic()
        with self._lock:
            if self._tended is not None and now - self._tended < _TEND_SECONDS:
                return
            self._tended = now
        with contextlib.suppress(MlmagicError, OSError, sqlite3.Error):
            # A kernel may have chosen another project since.
            self._session.refresh()
            # Not those of the backend in use alone, which waits for nobody; whatever is in memory has no rows.
            self._session.jobs.tend()


@lru_cache(maxsize=4)
def views_of(session: Session) -> Views:
    """Return what is kept for a session's workspace."""
    return Views(session)
