"""What `%monitor` found: windows of served rows beside their baselines, and how well what was served was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.evaluation import EvaluationReport
from mlmagic.spec.monitoring import DriftReport, Finding
from mlmagic.spec.noun import Noun
from mlmagic.spec.statistics import ColumnStatistics


class Against(StrEnum):
    """With what a window is compared."""

    TRAINING = "training"
    """What the version was trained on: skew."""
    WINDOW = "window"
    """The window before it: drift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedColumn(Noun):
    """A feature, or an output, of a baseline and of a window."""

    baseline: ColumnStatistics
    current: ColumnStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredWindow(Noun):
    """The rows of a window that one version answered, or those of files."""

    version: str | None
    """Such as `taxi@3`; None where statistics stand for a model."""
    baseline: str
    """What it is compared with, in words."""
    report: DriftReport
    columns: tuple[ComparedColumn, ...] = ()
    """In the order of the report's features."""
    predictions: tuple[ComparedColumn, ...] = ()
    """In the order of the report's predictions, whose baseline is the window before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsApart(Noun):
    """Which of two versions answered better, by the metric that counts most. Each answered rows of its own."""

    metric: str
    first: str
    """The version that gets most of the requests, such as `taxi@3`."""
    second: str
    first_value: float
    second_value: float
    first_rows: int
    second_rows: int
    low: float | None = None
    """Of the 95 % interval of the second one's value minus the first one's; None: there are too few rows for one."""
    high: float | None = None
    is_better: bool | None = None
    """Whether the second one is; None where that cannot be told yet."""
    least_rows: int = 0
    """Of either version, without which nothing is told."""
    rows_needed: int | None = None
    """Of both together, that would tell, if the difference is what it seems to be; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringReport(Noun):
    """All that was found in a window."""

    subject: str
    """The endpoint, or the files."""
    against: Against
    start: datetime | None = None
    """Of a request log: when the first request of the window was answered."""
    end: datetime | None = None
    requests: int = 0
    windows: tuple[MonitoredWindow, ...] = ()
    quality: tuple[EvaluationReport, ...] = ()
    """Of each version whose predictions could be joined with what came true."""
    verdicts: tuple[VersionsApart, ...] = ()
    """Of each version beside the one that gets most of the requests."""
    notes: tuple[str, ...] = ()

    @property
    def has_anomaly(self) -> bool:
        """Say whether anything is an alert."""
        return any(window.report.has_anomaly for window in self.windows)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What happened, of all versions."""
        return tuple(finding for window in self.windows for finding in window.report.findings)

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return sum(window.report.current_count for window in self.windows)
