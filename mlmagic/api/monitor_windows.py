"""The requests of a window by the version that answered them, counted and compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.monitor_baseline import Baseline, Output, blank, outputs_of, training_rows
from mlmagic.api.monitor_log import Period, tables_in
from mlmagic.spec.monitoring import DataDriftSpec, DriftReport, SliceComparison
from mlmagic.spec.monitoring_report import ComparedColumn, MonitoredWindow
from mlmagic.spec.statistics import SplitStatistics

if TYPE_CHECKING:
    from mlmagic.monitoring.slices import Slices
    from mlmagic.monitoring.window import Window
    from mlmagic.serving.request_log.instances import Instances
    from mlmagic.session import Session

_BODIES = ["logging_time", "deployed_model_id", "request_payload", "response_payload"]


@dataclass(slots=True, kw_only=True)
class Counted:
    """The rows of one version in one period."""

    window: Window
    predictions: Window
    slices: Slices | None
    outputs: tuple[Output, ...]
    skipped: int = 0
    """Requests whose inputs have no names."""

    def add(self, found: Instances) -> None:
        """Count rows."""
        self.skipped += found.skipped
        if not found.rows:
            return
        self.window.add(found.inputs)
        if self.slices is not None:
            self.slices.add(found.inputs)
        answers = _named(found, self.outputs)
        self.predictions.add({each.name: each.values(answers[each.name]) for each in self.outputs})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the rows of one version from a request log."""

    root: Path
    baseline: Baseline
    number: int
    by: str | None = None
    outputs: tuple[Output, ...] = field(default=())

    @classmethod
    def of(cls, root: Path, baseline: Baseline, number: int, by: str | None) -> Reader:
        """Return the reader of a version."""
        signature = baseline.version.signature if baseline.version is not None else None
        return cls(root=root, baseline=baseline, number=number, by=by, outputs=outputs_of(signature))

    def instances(self, period: Period, key: str | None = None) -> Iterator[Instances]:
        """Yield the rows of a period; of the key's whole numbers every digit."""
        from mlmagic.serving.request_log.instances import instances_of

        version = self.baseline.version
        signature = version.signature if version is not None else None
        only = signature.inputs[0].name if signature is not None and len(signature.inputs) == 1 else None
        for table in tables_in(self.root, period, _BODIES):
            yield from instances_of(table, only_input=only, version=str(self.number), key=key)

    def count(
        self,
        period: Period,
        features: SplitStatistics,
        predictions: SplitStatistics | None = None,
        slices: tuple[str, ...] = (),
    ) -> Counted:
        """Count the rows of a period beside what they are compared with."""
        from mlmagic.monitoring.slices import Slices
        from mlmagic.monitoring.window import Window

        skipped = self.baseline.skipped
        none = blank([(each.name, each.type) for each in self.outputs])
        counted = Counted(
            window=Window(features, skipped=skipped),
            predictions=Window(none if predictions is None else predictions),
            slices=Slices(features, self.by, slices) if self.by is not None and slices else None,
            outputs=self.outputs,
        )
        for found in self.instances(period):
            counted.add(found)
        return counted


def _named(found: Instances, outputs: tuple[Output, ...]) -> dict[str, Any]:
    """Return what was answered by output: a model with one has it under the name `prediction`."""
    import pyarrow as pa

    answers = dict(found.predictions)
    if len(outputs) == 1 and outputs[0].name not in answers and "prediction" in answers:
        answers[outputs[0].name] = answers["prediction"]
    return {each.name: answers[each.name] if each.name in answers else pa.nulls(found.rows) for each in outputs}


def compare_with_training(
    session: Session, reader: Reader, periods: tuple[Period, Period], spec: DataDriftSpec
) -> tuple[MonitoredWindow, int]:
    """Return how a version's rows compare with what it was trained on, and how many requests were left out."""
    from mlmagic.monitoring.slices import Slices, slices_of

    known, by = reader.baseline, reader.by
    features = known.columns
    earlier = reader.count(periods[1], features)
    values = slices_of(features, by) if by is not None and known.statistics is not None else ()
    counted = reader.count(periods[0], features, earlier.predictions.statistics, values)
    slices: tuple[SliceComparison, ...] = ()
    if by is not None and counted.slices is not None:
        trained = Slices(features, by, values)
        for batch in training_rows(session, known.version):
            trained.add(batch)
        slices = compare_all_slices(by, trained.statistics, counted.slices.statistics, spec, known.skipped)
    found = _monitored(
        known, known.statistics, earlier=earlier, counted=counted, spec=spec, slices=slices, told=known.told
    )
    return found, counted.skipped


def compare_with_window(
    reader: Reader, periods: tuple[Period, Period], spec: DataDriftSpec
) -> tuple[MonitoredWindow, int]:
    """Return how a version's rows compare with those that it answered before, and how many were left out."""
    from mlmagic.monitoring.slices import slices_of

    known, by = reader.baseline, reader.by
    earlier = reader.count(periods[1], known.columns)
    before = earlier.window.statistics
    values = slices_of(before, by) if by is not None and before.rows else ()
    counted = reader.count(periods[0], before, earlier.predictions.statistics, values)
    slices: tuple[SliceComparison, ...] = ()
    if by is not None and counted.slices is not None:
        again = reader.count(periods[1], before, slices=values)
        assert again.slices is not None  # noqa: S101 - it was asked for
        slices = compare_all_slices(by, again.slices.statistics, counted.slices.statistics, spec, known.skipped)
    start, end = (f"{end:%Y-%m-%d %H:%M}" for end in periods[1].ends)
    told = f"the {before.rows:,} rows from {start} to {end}"
    baseline = before if before.rows else None
    found = _monitored(known, baseline, earlier=earlier, counted=counted, spec=spec, slices=slices, told=told)
    return found, counted.skipped


def compare_all_slices(
    by: str,
    baseline: Mapping[str, SplitStatistics],
    window: Mapping[str, SplitStatistics],
    spec: DataDriftSpec,
    skipped: Collection[str],
) -> tuple[SliceComparison, ...]:
    """Return the slices that both have."""
    from mlmagic.monitoring.compare import compare_slices

    return compare_slices(by, baseline, window, spec, skipped=skipped)


def compared_columns(baseline: SplitStatistics, current: SplitStatistics) -> tuple[ComparedColumn, ...]:
    """Return the columns that a window was compared in."""
    pairs = ((baseline.column(column.name), column) for column in current.columns)
    return tuple(ComparedColumn(baseline=known, current=now) for known, now in pairs if known is not None)


def known_thresholds(spec: DataDriftSpec, baseline: SplitStatistics) -> DataDriftSpec:
    """Return the spec with the thresholds of the columns that are there: other versions may have others."""
    names = {column.name for column in baseline.columns}
    mine = {name: each for name, each in spec.feature_alert_conditions.items() if name in names}
    return replace(spec, feature_alert_conditions=mine)


def _monitored(
    known: Baseline,
    baseline: SplitStatistics | None,
    *,
    earlier: Counted,
    counted: Counted,
    spec: DataDriftSpec,
    slices: tuple[SliceComparison, ...],
    told: str,
) -> MonitoredWindow:
    from mlmagic.monitoring.compare import report

    before, now = earlier.predictions.statistics, counted.predictions.statistics
    has_predictions = bool(before.rows and now.rows)
    predictions = (before, counted.predictions.values) if has_predictions else None
    if baseline is None:
        own = known_thresholds(spec, SplitStatistics(rows=0))
        nothing = replace(counted.window.values, features={})
        found: DriftReport = report(SplitStatistics(rows=0), nothing, own, predictions=predictions)
    else:
        window = counted.window.values
        found = report(baseline, window, known_thresholds(spec, baseline), predictions=predictions, slices=slices)
    return MonitoredWindow(
        version=None if known.version is None else str(known.version),
        baseline=told if baseline is not None else "",
        report=found,
        columns=() if baseline is None else compared_columns(baseline, counted.window.statistics),
        predictions=compared_columns(before, now) if has_predictions else (),
    )
