"""What monitoring found last, and its alerts: of an endpoint in its folder, of a job that looks at files in the job's.

Who looks writes it: somebody once, and any number of jobs again and again. Each knows the alerts that it raised itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mlmagic.errors import MlmagicError, NotFoundError
from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord
from mlmagic.spec.monitoring import DEFAULT_THRESHOLD, FeatureComparison, Finding, FindingKind, Verdict
from mlmagic.spec.monitoring_alert import Alert
from mlmagic.spec.monitoring_report import MonitoringReport
from mlmagic.workspace.files import open_to_append, write_atomic

MOST_BYTES = 1 << 18
"""What the file of alerts may grow to, before only the newest are kept."""
MOST_ALERTS = 200
"""How many are kept then; those that last are kept in any case."""
_WEAK = frozenset({FindingKind.DISTRIBUTION_CHANGED, FindingKind.VALUES_SCALED})


@dataclass(frozen=True, slots=True)
class MonitorFolder:
    """`endpoints/<name>/monitoring/`, or `jobs/<id>/monitoring/`."""

    root: Path

    @property
    def report(self) -> Path:
        """The newest `MonitoringReport`."""
        return self.root / "report.json"

    @property
    def alerts(self) -> Path:
        """An `Alert` a line; the last line of each counts."""
        return self.root / "alerts.jsonl"

    @property
    def lock(self) -> Path:
        """Held by who writes."""
        return self.root / "monitoring.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look changed."""

    began: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = ()
    lasting: tuple[Alert, ...] = ()
    """Those that last now, with those that began."""


def read_report(folder: MonitorFolder) -> MonitoringReport | None:
    """Return what was found last; None if nobody looked, or the file is torn."""
    try:
        return codec.loads(MonitoringReport, folder.report.read_bytes())
    except (OSError, codec.DecodeError):
        return None


def read_alerts(folder: MonitorFolder) -> tuple[Alert, ...]:
    """Return all alerts that are kept, each as its last line says, in the order in which they began.

    A line that a power cut or a kill left unfinished says nothing.
    """
    found: dict[str, Alert] = {}
    with suppress(OSError):
        for line in folder.alerts.read_bytes().split(b"\n"):
            with suppress(codec.DecodeError):
                alert = codec.loads(Alert, line)
                found[alert.id] = alert
    return tuple(sorted(found.values(), key=lambda alert: (alert.first_seen, alert.id)))


def lasting_alerts(folder: MonitorFolder) -> tuple[Alert, ...]:
    """Return the alerts that last, in the order in which they began; of jobs that found the same, the first one's."""
    first: dict[tuple[object, ...], Alert] = {}
    for alert in read_alerts(folder):
        if alert.end_time is None:
            first.setdefault(_key(alert), alert)
    return tuple(first.values())


def record_look(
    folder: MonitorFolder,
    report: MonitoringReport,
    *,
    now: datetime,
    endpoint: str | None = None,
    job: str | None = None,
    deployed: Collection[str] = (),
    is_over: Callable[[str], bool] = lambda _: False,
) -> Look:
    """Write what a look found, and return which alerts began, and which of those that the same one raised ended.

    What somebody found once a job takes over with its first look that finds it, too; and whoever looks takes over what
    a job left that looks no more.

    Args:
        folder: of the endpoint, or of the job that looks at files.
        report: what was found.
        now: when.
        endpoint: that was looked at.
        job: that looked; None is somebody.
        deployed: versions that answer, such as `taxi@3`: if one has no rows in the window, that says nothing of it.
        is_over: says whether a job looks no more.

    Raises:
        OSError: the disk is full; the report may be written then, but no alert has begun or ended.
    """
    # Not the folder around it: an endpoint that was deleted must not come back.
    folder.root.mkdir(0o700, exist_ok=True)
    with locked(folder.lock):
        write_atomic(folder.report, codec.dumps(report, indent=None), sync=False)
        lasting = [each for each in read_alerts(folder) if each.end_time is None and each.against is report.against]
        over = {name: is_over(name) for name in {each.job for each in lasting} - {None, job} if name is not None}
        mine = [each for each in lasting if each.job == job]
        left = [each for each in lasting if each.job is not None and over.get(each.job, False)]
        by_hand = [each for each in lasting if each.job is None and job is not None]
        lasts = {_key(alert): alert for alert in (*by_hand, *left, *mine)}
        found = {_key(alert): alert for alert in _alerts(report, now, endpoint=endpoint, job=job)}
        if job is None:
            # What a job has told need not be raised by hand once more.
            told = {_key(alert) for alert in lasting if alert.job is not None and not over[alert.job]}
            found = {key: alert for key, alert in found.items() if key not in told}
        says_nothing = _silence(report, deployed, is_job=job is not None)
        stay = [
            replace(found.get(key, alert), id=alert.id, first_seen=alert.first_seen, last_seen=now)
            for key, alert in lasts.items()
            if key in found or (alert.job == job and says_nothing(alert))
        ]
        began = [alert for key, alert in found.items() if key not in lasts]
        still = {alert.id for alert in stay}
        # Of two that are the same one goes on; and what somebody found with other options is not ended by a job.
        ended = [
            replace(alert, end_time=now)
            for alert in (*mine, *left, *(each for each in by_hand if _key(each) in found))
            if alert.id not in still
        ]
        _append(folder, [*began, *stay, *ended])
    before = {alert.id for alert in mine}
    return Look(
        began=(*began, *(alert for alert in stay if alert.id not in before)),
        ended=tuple(alert for alert in ended if alert.id in before),
        lasting=(*stay, *began),
    )


def end_alerts(folder: MonitorFolder, *, job: str, now: datetime) -> None:
    """End the alerts of a job that looks no more: nobody else would.

    Raises:
        OSError: the disk is full, or the folder is gone.
    """
    with locked(folder.lock):
        mine = [each for each in read_alerts(folder) if each.end_time is None and each.job == job]
        _append(folder, [replace(alert, end_time=now) for alert in mine])


def is_over(get: Callable[[str], JobRecord], job_id: str) -> bool:
    """Say whether a job looks no more; `get` returns its record. Where that cannot be read, it may look yet."""
    try:
        return get(job_id).state.is_final
    except NotFoundError:
        return True
    except MlmagicError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, and wait for it."""
    descriptor = open_to_append(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _alerts(report: MonitoringReport, now: datetime, *, endpoint: str | None, job: str | None) -> Iterator[Alert]:
    for version, part, is_prediction, compared in _compared(report):
        if not compared.has_anomaly:
            continue
        for finding in _causes(compared):
            alert = Alert(
                id="",
                subject=report.subject,
                endpoint=endpoint,
                version=version,
                against=report.against,
                feature=finding.feature,
                other=finding.other,
                is_prediction=is_prediction,
                slice=part,
                kind=finding.kind,
                text=finding.text,
                distance=compared.distribution_deviation,
                threshold=compared.anomaly_detection_threshold,
                first_seen=now,
                last_seen=now,
                job=job,
            )
            named = json.dumps([*map(str, _key(alert)), job, now.isoformat()]).encode()
            yield replace(alert, id=hashlib.sha256(named).hexdigest()[:12])


def _compared(report: MonitoringReport) -> Iterator[tuple[str | None, str | None, bool, FeatureComparison]]:
    """Yield version, slice, whether it is a prediction, and the feature."""
    for window in report.windows:
        for feature in window.report.features:
            yield window.version, None, False, feature
        for feature in window.report.predictions:
            yield window.version, None, True, feature
        for part in window.report.slices:
            for feature in part.features:
                yield window.version, f"{part.column}={part.value}", False, feature


def _causes(compared: FeatureComparison) -> Sequence[Finding]:
    strong = [finding for finding in compared.findings if finding.kind not in _WEAK]
    told = f"{compared.feature}: distance {compared.distribution_deviation:.3g}"
    nameless = Finding(kind=FindingKind.DISTRIBUTION_CHANGED, feature=compared.feature, text=told)
    return strong or compared.findings[:1] or [nameless]


def _key(alert: Alert) -> tuple[object, ...]:
    # Columns that were swapped are told once.
    pair = tuple(sorted({alert.feature, alert.other or alert.feature}))
    return (alert.endpoint, alert.version, alert.against, alert.slice, alert.is_prediction, alert.kind, pair)


def _silence(report: MonitoringReport, deployed: Collection[str], *, is_job: bool) -> Callable[[Alert], bool]:
    """Return what tells whether so few rows, or none, say nothing of an alert: it neither begins then nor ends."""
    compared = list(_compared(report))
    unsure = {
        (version, part, is_prediction, each.feature)
        for version, part, is_prediction, each in compared
        if _is_unsure(each)
    }
    versions = {window.version for window in report.windows}
    slices = {(version, part) for version, part, _, _ in compared if part is not None}
    columns = {part.column for window in report.windows for part in window.report.slices}

    def says_nothing(alert: Alert) -> bool:
        if alert.version not in versions:
            return alert.version in deployed
        if alert.slice is not None and (alert.version, alert.slice) not in slices:
            # A job always divides the rows in the same way; who looks by hand may not have wanted to.
            return is_job or alert.slice.partition("=")[0] in columns
        return (alert.version, alert.slice, alert.is_prediction, alert.feature) in unsure

    return says_nothing


def _is_unsure(compared: FeatureComparison) -> bool:
    """Say whether what looks as in training may be chance, or what looks otherwise."""
    least = max(compared.anomaly_detection_threshold, DEFAULT_THRESHOLD)
    return compared.verdict is Verdict.UNSURE or compared.noise > least


def _append(folder: MonitorFolder, alerts: Sequence[Alert]) -> None:
    if not alerts:
        return
    before = _whole(folder.alerts)
    if before > MOST_BYTES:
        _shrink(folder, alerts)
        return
    descriptor = open_to_append(folder.alerts)
    try:
        data = memoryview(_lines(alerts))
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    except OSError:
        # All of a look or nothing: else a part of its alerts would have begun, and never been told.
        os.ftruncate(descriptor, before)
        raise
    finally:
        os.close(descriptor)


def _shrink(folder: MonitorFolder, newest: Sequence[Alert]) -> None:
    known = {alert.id: alert for alert in (*read_alerts(folder), *newest)}
    lasting = [alert for alert in known.values() if alert.end_time is None]
    ended = sorted((each for each in known.values() if each.end_time is not None), key=lambda each: each.last_seen)
    write_atomic(folder.alerts, _lines([*ended[-MOST_ALERTS:], *lasting]))


def _lines(alerts: Sequence[Alert]) -> bytes:
    return "".join(f"{codec.dumps(alert, indent=None)}\n" for alert in alerts).encode()


def _whole(path: Path) -> int:
    """Cut off a line that was left unfinished, and return how long the file is."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return whole
