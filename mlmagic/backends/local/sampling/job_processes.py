"""The processes of one attempt of a job, from sample to sample: to which replica each belongs, and what it took."""

from __future__ import annotations

import dataclasses
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlmagic.backends.local.sampling.process_table import Memory, Process
from mlmagic.spec import codec
from mlmagic.spec.job import Replica, ReplicaList


@dataclass(slots=True)
class Member:
    """A process of the job. `replica` is None of what is the supervisor's own, which is counted to nobody."""

    process: Process
    replica: str | None
    is_new: bool
    """It began after the sample before the first that has it, so that all that it took is still to be counted."""
    base: int = 0
    """What it had resident in common with the process that it was forked from, as far as that is known."""
    measured: Memory | None = None
    resident_then: int = 0
    measured_at: float = 0.0

    @property
    def private(self) -> int:
        """Bytes that it holds for itself: the last measurement, moved by what it has grown since."""
        resident = self.process.resident
        if self.measured is None:
            return max(0, resident - self.base)
        return min(resident, max(0, self.measured.private + resident - self.resident_then))

    def measure(self, memory: Memory | None, now: float) -> None:
        """Note what was measured; None leaves the estimate."""
        self.measured_at = now
        if memory is not None:
            self.measured, self.resident_then = memory, self.process.resident


@dataclass(frozen=True, slots=True)
class Taken:
    """What a replica took since the last sample."""

    cpu_seconds: float
    memory_bytes: int
    seconds: float | None
    """How long it was there, if it began since then."""
    pids: tuple[int, ...]


class JobProcesses:
    """Follows the processes of one supervisor."""

    def __init__(self, replicas_file: Path, supervisor: int) -> None:
        self.supervisor = supervisor
        self._replicas = _ReplicasFile(replicas_file)
        self._members: dict[int, Member] = {}
        self._before: dict[int, Member] = {}
        self._since = 0.0

    def update(self, processes: Sequence[Process], *, since: float) -> None:
        """Take in the processes that there are now; the last sample was taken at `since`, by their table's clock."""
        replicas = self._replicas.read()
        self._before, self._since = self._members, since
        self._members = {process.pid: self._member(process) for process in processes}
        # Only now, since a parent may stand behind its child.
        for process in processes:
            member = self._members[process.pid]
            if process.pid != self.supervisor and member.replica is None:
                member.replica = self._replica_of(process, replicas)
                parent = self._members.get(process.parent)
                member.base = parent.process.resident if parent else 0

    def taken(self, now: float) -> dict[str, Taken]:
        """Return what each replica took since the last sample, also of one that has ended since."""
        cpu, ended = self._cpu()
        members = self._by_replica(self._members)
        for name in ended:
            members.setdefault(name, self._by_replica(self._before)[name])
        return {
            name: self._taken(each, cpu[name], now)
            for name, each in members.items()
            # What was there before the last sample, and not in it, began at a time of which nothing is known.
            if all(self._is_known(member) for member in each)
        }

    def to_measure(self) -> Iterator[Member]:
        """Give the processes whose memory matters: the supervisor's only for what it has in common with several."""
        counts: dict[str, int] = defaultdict(int)
        for member in self._members.values():
            if member.replica is not None:
                counts[member.replica] += 1
                yield member
        if max(counts.values(), default=0) > 1 and self.supervisor in self._members:
            yield self._members[self.supervisor]

    @staticmethod
    def _by_replica(members: dict[int, Member]) -> dict[str, list[Member]]:
        found: dict[str, list[Member]] = {}
        for member in members.values():
            if member.replica is not None:
                found.setdefault(member.replica, []).append(member)
        return found

    def _member(self, process: Process) -> Member:
        before = self._before.get(process.pid)
        if before is None or before.process.start != process.start:
            return Member(process, None, is_new=process.start >= self._since)
        return dataclasses.replace(before, process=process)

    def _is_known(self, member: Member) -> bool:
        return member.is_new or member.process.pid in self._before

    def _is_first(self, member: Member) -> bool:
        """Say whether nothing of the process was counted so far, and all shall be."""
        before = self._before.get(member.process.pid)
        is_other = before is None or before.process.start != member.process.start or before.replica is None
        return is_other and member.is_new

    def _replica_of(self, process: Process, replicas: dict[int, str]) -> str | None:
        ancestor: Process | None = process
        seen = set()
        while ancestor is not None and ancestor.pid != self.supervisor and ancestor.pid not in seen:
            seen.add(ancestor.pid)
            known = self._members[ancestor.pid].replica or replicas.get(ancestor.group)
            if known is not None:
                return known
            parent = self._members.get(ancestor.parent)
            ancestor = parent.process if parent else None
        # A child of the supervisor in its session that is no replica is its own helper. What left the session was
        # started by a program, and has lost its parent before it was seen.
        is_helper = ancestor is not None and all(self._members[pid].process.session == self.supervisor for pid in seen)
        return None if is_helper else next(iter(replicas.values()), None)

    def _cpu(self) -> tuple[dict[str, float], list[str]]:
        """Return the processor seconds of each replica, and which replicas have ended.

        What a process took between the last sample and its end is found in its parent's `children_cpu`, together with
        what was already counted as its own.
        """
        counted, ended = self._ended()
        cpu: dict[str, float] = defaultdict(float)
        for pid, member in self._members.items():
            own, children = self._growth(member)
            late = max(0.0, children - counted.get(pid, 0.0))
            if pid == self.supervisor:
                for name in ended:
                    cpu[name] += late / len(ended)
            elif member.replica is not None:
                cpu[member.replica] += own + late
        return cpu, ended

    def _growth(self, member: Member) -> tuple[float, float]:
        process, before = member.process, self._before.get(member.process.pid)
        if member.replica is not None and self._is_first(member):
            return process.cpu, process.children_cpu
        if before is not None and before.process.start == process.start:
            return process.cpu - before.process.cpu, process.children_cpu - before.process.children_cpu
        return 0.0, 0.0

    def _ended(self) -> tuple[dict[int, float], list[str]]:
        """Return what was counted of processes that have ended, by the ancestor that is there, and replicas of them."""
        counted: dict[int, float] = defaultdict(float)
        ended = []
        for pid, member in self._before.items():
            now = self._members.get(pid)
            if now is not None and now.process.start == member.process.start:
                continue
            if member.process.parent == self.supervisor and member.replica is not None:
                ended.append(member.replica)
            heir, seen = member.process.parent, {pid}
            while heir not in self._members and heir in self._before and heir not in seen:
                seen.add(heir)
                heir = self._before[heir].process.parent
            counted[heir] += member.process.cpu + member.process.children_cpu
        return counted, ended

    def _taken(self, members: Sequence[Member], cpu: float, now: float) -> Taken:
        is_first = all(map(self._is_first, members))
        return Taken(
            cpu_seconds=max(0.0, cpu),
            memory_bytes=self._memory(members),
            seconds=max(0.1, now - min(member.process.start for member in members)) if is_first else None,
            pids=tuple(member.process.pid for member in members),
        )

    def _memory(self, members: Sequence[Member]) -> int:
        """Return what a replica holds: with what its processes share, without what they share with a fork server."""
        private = sum(member.private for member in members)
        supervisor = self._members.get(self.supervisor)
        if len(members) == 1 or supervisor is None or supervisor.measured is None:
            return private
        # The supervisor comes from the same fork server, and has nothing else in common with anybody.
        outside = supervisor.measured.shared
        return private + sum(max(0, member.measured.shared - outside) for member in members if member.measured)


class _ReplicasFile:
    """`replicas.json`, read again when it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._seen: tuple[int, int, int] | None = None
        self._names: dict[int, str] = {}

    def read(self) -> dict[int, str]:
        """Return process group → replica, the chief first; what was last known where the file is not there."""
        try:
            status = os.stat(self._path)  # noqa: PTH116
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp != self._seen:
                with open(self._path, "rb") as file:  # noqa: PTH123
                    replicas = codec.loads(ReplicaList, file.read()).replicas
                self._names = {replica.pid: replica.name for replica in sorted(replicas, key=_chief_first)}
                self._seen = stamp
        except (OSError, codec.DecodeError):
            pass
        return self._names


def _chief_first(replica: Replica) -> tuple[bool, str]:
    return replica.role != "chief", replica.name
