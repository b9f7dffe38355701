"""Logs of jobs: of one replica or of several, whole or searched, now or as they come."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.log_colours import LogColours
from mlmagic.api.waiting import FIRST_PAUSE, check_reachable, longer
from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec.job import JobRecord, ReplicaRole

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

_TAIL_BYTES = 1 << 16
_REPLICA = re.compile(r"([a-z]+)(?:-(\d+))?", re.ASCII)
_ALL = "all"


class LogText(str):
    """Log text that a notebook shows as text with coloured warnings and errors, not as a quoted string."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(LogColours()(self.rstrip("\n") + "\n").rstrip("\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSelection:
    """What of a job's logs is asked for."""

    tail: int | None = None
    """The last lines of each replica; None for all."""
    role: str | None = None
    """`worker`, `worker-1`, `all`; None for the chief."""
    index: int | None = None
    grep: str | None = None
    """A regular expression: only lines in which it is found."""


def read_logs(backend: Backend, job_id: str, selection: LogSelection) -> LogText:
    """Return what has been printed so far, replica after replica.

    Raises:
        NotFoundError: the job has no such replica; names those that it has.
        UsageError: the selection makes no sense.
    """
    sources = _sources(backend, job_id, selection)
    return LogText("".join(source.begin(selection.tail) + source.rest() for source in sources))


def follow_logs(backend: Backend, job_id: str, selection: LogSelection) -> Iterator[str]:
    """Return an iterator over what is printed, as it comes, until the job has ended.

    Raises:
        NotFoundError: the job has no such replica; names those that it has.
        UsageError: the selection makes no sense.
    """
    # Checked here and now, not when the first piece is asked for.
    check_reachable(backend, job_id)
    return _followed(backend, job_id, _sources(backend, job_id, selection), selection.tail)


def last_lines(backend: Backend, job_id: str, count: int, *, role: str = "chief", index: int = 0) -> tuple[str, int]:
    """Return the last lines of a replica's log, and where it goes on."""
    size = _TAIL_BYTES
    while True:
        text, end = "", -size
        while (chunk := backend.logs(job_id, offset=end, role=role, index=index)).text:
            text, end = text + chunk.text, chunk.next_offset
        end = chunk.next_offset
        lines = _lines(text)
        # No more bytes than were asked for: the log begins here.
        if len(lines) >= count or size >= end:
            return "".join(lines[-count:]), end
        size *= 4


def _sources(backend: Backend, job_id: str, selection: LogSelection) -> list[_Source]:
    if selection.tail is not None and selection.tail <= 0:
        raise UsageError(f"tail counts lines from the end and must be 1 or more, not {selection.tail}")
    pattern = None if selection.grep is None else _pattern(selection.grep)
    replicas = _chosen(backend, backend.get(job_id), selection.role, selection.index)
    return [
        _Source(backend, job_id, role, index, pattern=pattern, is_named=len(replicas) > 1) for role, index in replicas
    ]


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise UsageError(
            f"grep {text!r} is no regular expression: {error.msg}{place}.",
            hint=f"To find it as it stands: {re.escape(text)}",
        ) from None


def _chosen(backend: Backend, record: JobRecord, role: str | None, index: int | None) -> Sequence[tuple[str, int]]:
    """Return the roles and indices of the replicas that are meant."""
    match = _REPLICA.fullmatch((role or "chief").strip().lower())
    if match and match[2] is not None and index is not None:
        raise UsageError(f"role {role!r} has an index already; index {index} says it again.")
    name = match[1] if match else role
    number = index if match is None or match[2] is None else int(match[2])
    if name == "chief" and number in {None, 0}:
        return [("chief", 0)]
    known = _known(backend, record)
    chosen = [replica for replica in known if name in {_ALL, replica[0]} and (number is None or replica[1] == number)]
    if not chosen or (name == _ALL and number is not None):
        names = [f"{known_role}-{known_index}" for known_role, known_index in known]
        told = name if number is None else f"{name}-{number}"
        near = "" if name in set(ReplicaRole) else nearest(str(told), [_ALL, *dict(known), *names], limit=1)
        raise NotFoundError(f"job {record.id} has no replica {told}; it has {', '.join(names)}. {near}".rstrip())
    return chosen


def _known(backend: Backend, record: JobRecord) -> list[tuple[str, int]]:
    """Return the replicas that the job has, or will have once it runs; the chief first."""
    roles = list(ReplicaRole)
    planned = record.spec.placement.replicas if record.spec.placement else {}
    known = {("chief", 0)} | {(role, index) for role, count in planned.items() for index in range(count)}
    known |= {(str(replica.role), replica.index) for replica in backend.replicas(record.id)}
    return sorted(known, key=lambda replica: (roles.index(ReplicaRole(replica[0])), replica[1]))


class _Source:
    """The log of one replica, read in pieces."""

    def __init__(
        self, backend: Backend, job_id: str, role: str, index: int, *, pattern: re.Pattern[str] | None, is_named: bool
    ) -> None:
        self._backend, self._job_id, self._role, self._index = backend, job_id, role, index
        self._pattern = pattern
        self._prefix = f"{role}-{index} | " if is_named else ""
        self._offset = 0
        self._partial = ""

    def begin(self, tail: int | None) -> str:
        """Return what is there now, or its last lines."""
        if tail is not None and self._pattern is None:
            text, self._offset = last_lines(self._backend, self._job_id, tail, role=self._role, index=self._index)
            return self._shaped(text)
        pieces = []
        while (piece := self.more()) is not None:
            pieces.append(piece)
        text = "".join(pieces)
        return text if tail is None else "".join(_lines(text)[-tail:])

    def more(self) -> str | None:
        """Return what has come since, as far as it is asked for; None if nothing has."""
        try:
            chunk = self._backend.logs(self._job_id, offset=self._offset, role=self._role, index=self._index)
        except NotFoundError:
            self._backend.get(self._job_id)  # the job is gone, or this replica has not begun
            return None
        if not chunk.text:
            return None
        self._offset = chunk.next_offset
        return self._shaped(chunk.text)

    def rest(self) -> str:
        """Return the last line, if nothing ended it."""
        text, self._partial = self._partial, ""
        return self._line(text + "\n") if text else ""

    def _shaped(self, text: str) -> str:
        if self._pattern is None and not self._prefix:
            return text
        # Only whole lines can be searched, and put between those of others.
        *lines, self._partial = (self._partial + text).split("\n")
        return "".join(self._line(line + "\n") for line in lines)

    def _line(self, line: str) -> str:
        is_wanted = self._pattern is None or self._pattern.search(line.rstrip("\n"))
        return self._prefix + line if is_wanted else ""


def _followed(backend: Backend, job_id: str, sources: Sequence[_Source], tail: int | None) -> Iterator[str]:
    if tail is not None:
        yield from filter(None, (source.begin(tail) for source in sources))
    pause = FIRST_PAUSE
    while True:
        is_final = backend.get(job_id).state.is_final  # read before the logs: what is printed until then is seen below
        has_more, came = True, False
        while has_more:
            pieces = [source.more() for source in sources]
            yield from filter(None, pieces)
            has_more = any(piece is not None for piece in pieces)
            came = came or has_more
        if is_final:
            yield from filter(None, (source.rest() for source in sources))
            return
        pause = FIRST_PAUSE if came else longer(pause)
        time.sleep(pause)


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: a progress bar that rewrites its line is one line."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
