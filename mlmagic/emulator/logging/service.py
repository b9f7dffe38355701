"""LoggingServiceV2, as far as logs of jobs are read by it."""

from __future__ import annotations

import base64
import heapq
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from mlmagic.emulator.container.task import ENTRIES
from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.engine import Engine
from mlmagic.emulator.errors import invalid
from mlmagic.emulator.jobs.runs import runs
from mlmagic.emulator.logging.entries import ReplicaLog
from mlmagic.emulator.logging.query import Query, entry_key, read_query

_DEFAULT_SIZE = 50
_LARGEST_SIZE = 1000
_ORDERS = {"": False, "timestamp": False, "timestamp asc": False, "timestamp desc": True}

Entry = dict[str, Any]
Key = tuple[str, str]


class LoggingService:
    """Reads what replicas printed."""

    def __init__(self, core: Core, engine: Engine) -> None:
        self._core = core
        self._engine = engine

    def list_log_entries(self, call: Call) -> dict[str, Any]:
        """Return a page of entries, by time."""
        request = call.request
        _check_resources(request.get("resource_names", []))
        query = read_query(request.get("filter", ""))
        order = " ".join(request.get("order_by", "").split())
        if order not in _ORDERS:
            raise invalid("order_by", f"order_by must be 'timestamp asc' or 'timestamp desc', not {order!r}.")
        size = _page_size(int(request.get("page_size", 0)))
        after = _key(request.get("page_token", ""))
        found = list(islice(self._matching(query, after, is_reversed=_ORDERS[order]), size + 1))
        page: dict[str, Any] = {"entries": found[:size]}
        if len(found) > size:
            page["next_page_token"] = _token(entry_key(found[size - 1]))
        return page

    def _matching(self, query: Query, after: Key | None, *, is_reversed: bool) -> Iterator[Entry]:
        """Yield what the filter lets through, behind the entry with which the page before ended."""
        since = query.since if after is None or is_reversed else max(query.since, after[0])
        logs = [log.entries(since) for log in self._logs(query.job_id)]
        merged: Iterable[Entry] = heapq.merge(*logs, key=entry_key)
        if is_reversed:
            merged = reversed(list(merged))
        for entry in merged:
            key = entry_key(entry)
            is_before = after is not None and (key >= after if is_reversed else key <= after)
            if not is_before and query.lets_through(entry):
                yield entry

    def _logs(self, job_id: str | None) -> Iterator[ReplicaLog]:
        for run in runs(self._core, self._engine, job_id):
            for path in sorted(self._engine.folder(run.record).logs.glob(f"*{ENTRIES}")):
                task = path.name.removesuffix(ENTRIES)
                yield ReplicaLog(path=path, project=self._core.project, job_id=run.job_id, task=task, trial=run.trial)


def _check_resources(names: list[str]) -> None:
    if not names:
        raise invalid("resource_names", "resource_names must name at least one project, such as projects/my-project.")


def _page_size(size: int) -> int:
    if size < 0:
        raise invalid("page_size", f"page_size must not be negative, got {size}.")
    return min(size or _DEFAULT_SIZE, _LARGEST_SIZE)


def _token(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _key(token: str) -> Key | None:
    if not token:
        return None
    try:
        time, place = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise invalid("page_token", "page_token is not one that this method has given.") from error
    return str(time), str(place)
