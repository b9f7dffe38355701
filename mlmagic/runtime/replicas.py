"""The processes of an attempt: started, waited for, started again, ended, and written down in `replicas.json`."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from mlmagic.runtime.cluster import CHIEF, ReplicaId
from mlmagic.runtime.ending import quietly
from mlmagic.runtime.program import Launcher, Program, ReplicaProgram
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.job import Replica, ReplicaList
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.layout import JobFolder


@dataclasses.dataclass(slots=True, kw_only=True)
class _Running:
    program: Program
    record: Replica
    log_start: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A replica that has ended. What it printed begins at byte `log_start` of its log."""

    replica: ReplicaId
    status: int
    log_start: int


class Replicas:
    """The replicas of one attempt."""

    def __init__(
        self, folder: JobFolder, programs: Mapping[ReplicaId, ReplicaProgram], *, launcher: Launcher, attempt: int
    ) -> None:
        self._folder = folder
        self._programs = programs
        self._launcher = launcher
        self._attempt = attempt
        self._all: dict[ReplicaId, _Running] = {}
        self._earlier_restarts = read_replicas(folder).restarts if attempt > 1 else 0

    def start(self, replica: ReplicaId) -> None:
        """Start a replica, for the first time or once more.

        Raises:
            OSError: its program cannot be started.
        """
        before, program = self._all.get(replica), self._programs[replica]
        log_start = program.log.stat().st_size if program.log.exists() else 0
        started = self._launcher.start(program)
        record = Replica(
            role=replica.role,
            index=replica.index,
            pid=started.pid,
            attempt=self._attempt,
            restarts=0 if before is None else before.record.restarts + 1,
            start_time=datetime.now(UTC),
        )
        self._all[replica] = _Running(program=started, record=record, log_start=log_start)

    def poll(self) -> list[Ended]:
        """Return those that have ended since the last call."""
        ended = []
        for replica in self.running():
            running = self._all[replica]
            if (status := running.program.poll()) is not None:
                running.program.end_group()
                self._note_end(running, status)
                ended.append(Ended(replica=replica, status=status, log_start=running.log_start))
        if ended:
            self.write()
        return ended

    def running(self) -> tuple[ReplicaId, ...]:
        """Return those of which no end has been seen."""
        return tuple(replica for replica, running in self._all.items() if running.record.end_time is None)

    def signal(self, number: signal.Signals, replicas: Iterable[ReplicaId]) -> None:
        """Send a signal to the groups of replicas; one that was stopped is woken up for it."""
        for replica in replicas:
            self._all[replica].program.signal_group(number)
            self._all[replica].program.signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """End all that still run, at once."""
        for replica in self.running():
            running = self._all[replica]
            self._note_end(running, running.program.kill())
            running.program.end_group()
        self.write()

    @property
    def pids(self) -> set[int]:
        """All that were started, also those that have ended."""
        return {running.program.pid for running in self._all.values()}

    @property
    def chief_status(self) -> int | None:
        """The chief's exit status, once it is known."""
        chief = self._all.get(CHIEF)
        return None if chief is None else chief.record.exit_code

    @property
    def restarts(self) -> int:
        """How many times replicas of the job were started again alone, in this attempt and in those before."""
        return self._list().restarts

    def write(self) -> None:
        """Write `replicas.json`, where that is possible."""
        quietly(lambda: write_atomic(self._folder.replicas, dumps(self._list()), sync=False))

    def _list(self) -> ReplicaList:
        return ReplicaList(
            replicas=tuple(running.record for running in self._all.values()), earlier_restarts=self._earlier_restarts
        )

    @staticmethod
    def _note_end(running: _Running, status: int) -> None:
        running.record = dataclasses.replace(running.record, exit_code=status, end_time=datetime.now(UTC))


def read_replicas(folder: JobFolder) -> ReplicaList:
    """Return what `replicas.json` says; nothing where it is missing or cannot be read."""
    try:
        return loads(ReplicaList, folder.replicas.read_bytes())
    except (OSError, DecodeError):
        return ReplicaList()
