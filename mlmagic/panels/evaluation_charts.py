"""What is drawn of an evaluation, apart from how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.panels.evaluation_words import OTHERS, SMALL
from mlmagic.spec.evaluation import Confusion, Curve, ErrorHistogram, EvaluationReport, Task, VersionEvaluation

DARK_PART = 0.45
"""With more of its row, a cell of a matrix is so blue that grey cannot be read on it."""
_FEWEST = 10
"""So many rows a point of the calibration stands for, where there are such."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A version's points, joined in their order."""

    version: str
    points: tuple[Point, ...]
    is_stepped: bool = False
    has_dots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """Lines over numbers."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    x_range: Point
    y_range: Point
    diagonal: bool = False
    """With the line on which both are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Which class was taken for which: the darker, the greater the part of the actual class."""

    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A metric of a slice with its interval."""

    version: str
    value: str
    rows: int
    at: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DotChart:
    """A metric by slices."""

    title: str
    values: tuple[str, ...]
    dots: tuple[Dot, ...]
    versions: tuple[str, ...]
    x_range: Point


Chart = LineChart | Matrix | DotChart


def charts_of(report: EvaluationReport) -> list[Chart]:
    """Return the charts that fit the task."""
    found: list[Chart] = []
    if report.task is Task.REGRESSION:
        found += [*_predicted_against_actual(report), *_errors(report)]
    if report.task is Task.BINARY:
        roc = [each.roc for each in report.versions]
        found += _curve(report, roc, title="ROC", x="false positive rate", y="true positive rate", diagonal=True)
        curves = [each.precision_recall for each in report.versions]
        found += _curve(report, curves, title="Precision over recall", x="recall", y="precision")
        found += _calibration(report)
    found += [_matrix(report, each, each.confusion) for each in report.versions if each.confusion]
    return [*found, *_slices(report)]


def _predicted_against_actual(report: EvaluationReport) -> list[Chart]:
    lines = _reliability(report)
    if not lines:
        return []
    numbers = [number for line in lines for point in line.points for number in point]
    ends = _widened(min(numbers), max(numbers))
    title = "Actual over predicted, by tenths"
    return [LineChart(title=title, x="predicted", y="actual", lines=lines, x_range=ends, y_range=ends, diagonal=True)]


def _reliability(report: EvaluationReport, fewest: int = 1) -> tuple[Line, ...]:
    lines = (
        Line(
            version=each.version,
            points=tuple((part.predicted, part.actual) for part in each.reliability if part.rows >= fewest),
            has_dots=True,
        )
        for each in report.versions
    )
    return tuple(line for line in lines if line.points)


def _errors(report: EvaluationReport) -> list[Chart]:
    lines = [
        Line(version=each.version, points=_steps(each.errors), is_stepped=True)
        for each in report.versions
        if each.errors
    ]
    if not lines:
        return []
    places = [x for line in lines for x, _ in line.points]
    top = max(y for line in lines for _, y in line.points)
    return [
        LineChart(
            title="Errors",
            x="predicted minus actual",
            y="density",
            lines=tuple(lines),
            x_range=(min(places), max(places)),
            y_range=(0.0, top or 1.0),
        )
    ]


def _steps(errors: ErrorHistogram) -> tuple[Point, ...]:
    """Return where each bin begins with its density, for bins are not alike, and the end of the last."""
    width = (errors.high - errors.low) / len(errors.counts)
    rows = (sum(errors.counts) + errors.below + errors.above) or 1
    parts = [count / rows / width for count in errors.counts]
    return tuple((errors.low + at * width, part) for at, part in enumerate([*parts, parts[-1]]))


def _curve(
    report: EvaluationReport, curves: Sequence[Curve | None], *, title: str, x: str, y: str, diagonal: bool = False
) -> list[Chart]:
    lines = tuple(
        Line(version=each.version, points=tuple(zip(curve.x, curve.y, strict=True)))
        for each, curve in zip(report.versions, curves, strict=True)
        if curve is not None
    )
    return _within_1(lines, title=title, x=x, y=y, diagonal=diagonal)


def _calibration(report: EvaluationReport) -> list[Chart]:
    # The part of a handful of rows is chance, and on a line it looks like a fall.
    told = [each for version in report.versions for each in version.reliability]
    fewest = _FEWEST if any(each.rows >= _FEWEST for each in told) else 1
    x = "predicted probability" + (f", of {fewest} rows or more" if any(each.rows < fewest for each in told) else "")
    lines = _reliability(report, fewest)
    return _within_1(lines, title="Calibration", x=x, y="part that is positive", diagonal=True)


def _within_1(lines: tuple[Line, ...], *, title: str, x: str, y: str, diagonal: bool) -> list[Chart]:
    whole = (0.0, 1.0)
    chart = LineChart(title=title, x=x, y=y, lines=lines, x_range=whole, y_range=whole, diagonal=diagonal)
    return [chart] if lines else []


def _matrix(report: EvaluationReport, version: VersionEvaluation, confusion: Confusion) -> Matrix:
    whose = f" of {version.version}" if len(report.versions) > 1 else ""
    labels = (*confusion.labels, *((OTHERS,) if confusion.has_others else ()))
    return Matrix(title=f"Confusion{whose}", labels=labels, counts=confusion.counts)


def _slices(report: EvaluationReport) -> list[Chart]:
    if not report.slices or not report.slice_metrics:
        return []
    dots = []
    for part in report.slices:
        for version, (metric, *_) in zip(report.versions, part.metrics, strict=True):
            if metric.value is not None:
                low = metric.value if metric.low is None else metric.low
                high = metric.value if metric.high is None else metric.high
                value = f"{SMALL} {part.value}" if part.is_small else part.value
                dot = Dot(version=version.version, value=value, rows=part.rows, at=metric.value, low=low, high=high)
                dots.append(dot)
    if not dots:
        return []
    ends = _widened(min(dot.low for dot in dots), max(dot.high for dot in dots))
    return [
        DotChart(
            title=f"{report.slice_metrics[0]} by {report.by}",
            values=tuple(dict.fromkeys(dot.value for dot in dots)),
            dots=tuple(dots),
            versions=tuple(each.version for each in report.versions),
            x_range=ends,
        )
    ]


def _widened(low: float, high: float) -> Point:
    margin = (high - low) * 0.04 or abs(low) / 2 or 0.5
    return low - margin, high + margin
