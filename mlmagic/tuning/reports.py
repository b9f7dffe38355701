"""What replicas report in the format of hypertune, and what they have reported before.

The package writes its file anew at each report, with the last hundred lines alone, and Vertex AI counts every report:
so what was read is kept, in memory and in a file of the trial's folder.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmagic.spec import codec
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import append, tail
from mlmagic.workspace.layout import JobFolder

_NO_METRICS = frozenset({"checkpoint_path", "global_step", "timestamp", "trial"})
"""What hypertune writes beside each value."""

# The chief's reports come first. Where it has none of the metric, an evaluator is the one that evaluates.
_FIRST_ROLES = ("chief", "evaluator")

_MOST_STEPS = 2**63

# So much of the file of what was read before is read at once.
_BYTES = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Noun):
    """What a replica has reported of a metric once; a line of the file in which it is kept."""

    attempt: int
    """Of the job."""
    replica: str
    """`chief-0`."""
    metric: str
    step: int
    value: float
    time: float | None = None
    """In seconds since 1970; None where the program does not say."""
    place: int = 0
    """Of several of one step and time in a file, which; from 0."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from others of the same replica and attempt."""
        return self.time, self.step, self.place


@dataclass(slots=True)
class _File:
    """What stands in a replica's file, or in all of them."""

    reports: list[Report] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


class ReportReader:
    """Reads what the replicas of one trial report of a metric, again and again while they run.

    With `keeps` it writes down what is new: only one process does so, the study's own. All others read that as well.
    """

    def __init__(self, folder: JobFolder, metric: str, *, keeps: bool = False) -> None:
        self._folder = folder
        self._metric = metric
        self._keeps = keeps
        self._known: dict[tuple[int, str], dict[tuple[object, ...], Report]] = {}
        """Attempt and replica → what it has reported, in that order."""
        self._kept_bytes = 0
        self._unwritten: list[Report] = []
        self._others: set[str] = set()
        self.problems: tuple[str, ...] = ()
        """What is wrong in the files as they are now, a line each."""

    def read(self, attempt: int | None) -> None:
        """Read what was reported since the last time; `attempt` is the one that runs, None the last that is known."""
        self._take_kept()
        attempt = self._attempt(attempt)
        problems: list[str] = []
        for path in sorted(self._folder.tuning_metrics_dir.glob("*.metrics")):
            if not path.is_file():
                continue
            found = _read_file(path, self._metric, attempt)
            self._others |= found.others
            problems += found.problems
            self._unwritten += [report for report in found.reports if self._is_new(report)]
        self.problems = tuple(problems)
        if self._keeps:
            self._keep()

    def reports(self, attempt: int | None) -> Sequence[Report]:
        """Return what the replica whose reports count has reported in an attempt, in that order."""
        attempt = self._attempt(attempt)
        replicas = sorted((replica for made, replica in self._known if made == attempt), key=_rank)
        return tuple(self._known[attempt, replicas[0]].values()) if replicas else ()

    @property
    def others(self) -> tuple[str, ...]:
        """The names of what else was reported."""
        return tuple(sorted(self._others))

    def _attempt(self, attempt: int | None) -> int:
        return max((made for made, _ in self._known), default=1) if attempt is None else attempt

    def _is_new(self, report: Report) -> bool:
        known = self._known.setdefault((report.attempt, report.replica), {})
        before, known[report.key] = known.get(report.key), report
        return before is None or not _is_same(before.value, report.value)

    def _take_kept(self) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data, _ = tail(self._folder.kept_reports, self._kept_bytes, _BYTES)
        whole = data[: data.rfind(b"\n") + 1]
        self._kept_bytes += len(whole)
        for line in whole.splitlines():
            with contextlib.suppress(codec.DecodeError):
                report = codec.loads(Report, line)
                if report.metric == self._metric:
                    self._is_new(report)

    def _keep(self) -> None:
        lines = [json.dumps(codec.encode(report), sort_keys=True) for report in self._unwritten]
        if not lines:
            return
        # The empty line ends what a full disk or a kill may have left of the one before.
        data = "\n".join(["", *lines, ""])
        with contextlib.suppress(OSError):
            append(self._folder.kept_reports, data)
            self._unwritten.clear()


def _rank(replica: str) -> tuple[int, str]:
    role = replica.partition("-")[0]
    return _FIRST_ROLES.index(role) if role in _FIRST_ROLES else len(_FIRST_ROLES), replica


def _is_same(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def _read_file(path: Path, metric: str, attempt: int) -> _File:
    """Read all that a file has now. While the program writes, it may be there in part."""
    found = _File()
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    places: Counter[tuple[float | None, int]] = Counter()
    for number, line in enumerate(lines, 1):
        try:
            document = _object(line)
            found.others |= {_shown(name) for name in document.keys() - _NO_METRICS - {metric}}
            if metric not in document:
                continue
            time, step, value = _time(document), _step(document), float(document[metric])
        # An integer may be too long for a float, and a number be infinite.
        except (ValueError, TypeError, ArithmeticError) as error:
            found.problems.append(f"{path}, line {number}: {error!s:.200}")
            continue
        place = places[time, step]
        places[time, step] += 1
        found.reports.append(
            Report(attempt=attempt, replica=path.stem, metric=metric, step=step, value=value, time=time, place=place)
        )
    return found


def _object(line: str) -> Mapping[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object: {line[:80]!r}")  # noqa: TRY004 - a value from a file
    return document


def _step(document: Mapping[str, Any]) -> int:
    step = int(float(document.get("global_step") or 0))
    if abs(step) >= _MOST_STEPS:
        raise ValueError(f"global_step is {step:.6g}")
    return step


def _time(document: Mapping[str, Any]) -> float | None:
    time = document.get("timestamp")
    if time is None:
        return None
    if not math.isfinite(float(time)):
        raise ValueError(f"timestamp is {float(time)}")
    return float(time)


def _shown(name: str) -> str:
    """Return a name as it can be written in a line: JSON has names with line ends and halves of characters."""
    return name if name.isprintable() else ascii(name)
