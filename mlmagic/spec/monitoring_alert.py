"""An alert of monitoring: what began, and when it ended; and how far a job is that looks again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlmagic.spec.monitoring import FindingKind
from mlmagic.spec.monitoring_report import Against
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Noun):
    """One thing that is wrong with a feature, from the look that found it first to the one that did not any more."""

    id: str
    """The same in all lines of an alert."""
    subject: str
    """The endpoint, or the files."""
    endpoint: str | None = None
    version: str | None = None
    """Such as `taxi@3`."""
    against: Against = Against.TRAINING
    feature: str
    other: str | None = None
    """The feature with which it was swapped."""
    is_prediction: bool = False
    slice: str | None = None
    """Such as `zone=airport`; None for all rows."""
    kind: FindingKind
    text: str
    """The finding's sentence, as the newest look told it."""
    distance: float
    threshold: float
    first_seen: datetime
    last_seen: datetime
    end_time: datetime | None = None
    """Of the first look that did not find it; None while it lasts."""
    job: str | None = None
    """The job that looked; None if somebody did."""

    @property
    def line(self) -> str:
        """Return `taxi@3: zone=airport: miles: mean shifted by …`."""
        return ": ".join(part for part in (self.version or self.subject, self.slice, self.text) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorStatus(Noun):
    """How far a job is that looks again and again."""

    looks: int = 0
    last_look: datetime | None = None
    alerts: int = 0
    """That last now."""
    alerts_told: int = 0
    """That began since the job did."""
    problem: str | None = None
    """Why the newest look found nothing out; None if it did."""
    seen: str | None = None
    """What the newest look looked at: it need not be looked at again."""
    window_end: datetime | None = None
    """Up to when requests have been looked at."""
    ended: str | None = None
    """Why it has ended by itself."""

    @property
    def short(self) -> str:
        """Return `1 alert · 2 looks`, what matters most first: a narrow column cuts the rest off."""
        if not self.looks:
            return str(self)
        alerts = f"{self.alerts:,} alert{'s' * (self.alerts != 1)}" if self.alerts else "no alert"
        failed = "" if self.problem is None else "failed · "
        return f"{failed}{alerts} · {self.looks:,} look{'s' * (self.looks != 1)}"

    def __str__(self) -> str:
        if not self.looks:
            return "no look yet"
        assert self.last_look is not None  # noqa: S101 - each look has a time
        looks = f"{self.looks:,} look{'s' * (self.looks != 1)}, the last at {self.last_look:%H:%M:%S} UTC"
        return f"{looks} · {self.alerts} alert{'s' * (self.alerts != 1)} now, {self.alerts_told} in all"
