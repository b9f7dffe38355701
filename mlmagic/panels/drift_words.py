"""How skew and drift are told, in a page and in a terminal alike."""

from __future__ import annotations

from collections.abc import Iterator

from mlmagic.panels import theme
from mlmagic.panels.dataset_values import share
from mlmagic.panels.text import one_line
from mlmagic.spec.monitoring import FeatureComparison, MetricType, Verdict
from mlmagic.spec.monitoring_report import Against, MonitoredWindow, MonitoringReport

SIGNS = {Verdict.ALERT: "✗", Verdict.UNSURE: "?", Verdict.CHANGED: "~", Verdict.STEADY: "✓"}
COLOURS = {
    Verdict.ALERT: theme.RED,
    Verdict.UNSURE: theme.AMBER,
    Verdict.CHANGED: theme.GREY,
    Verdict.STEADY: theme.GREEN,
}
MEANINGS = {
    Verdict.ALERT: "surely beyond the threshold",
    Verdict.UNSURE: "beyond the threshold, but so few rows that it may be chance",
    Verdict.CHANGED: "more than chance, but within the threshold",
    Verdict.STEADY: "no more than chance",
}
_ORDER = {Verdict.ALERT: 0, Verdict.UNSURE: 1, Verdict.CHANGED: 2, Verdict.STEADY: 3}
_MOST_SLICES = 20
MEASURES = (
    "JS is the Jensen-Shannon divergence, of numbers; L∞ the largest change of a value's share; both from 0 to 1."
)


def worst(features: tuple[FeatureComparison, ...]) -> Verdict | None:
    """Return the worst verdict."""
    return min((each.verdict for each in features), key=_ORDER.__getitem__, default=None)


def ordered(features: tuple[FeatureComparison, ...]) -> list[FeatureComparison]:
    """Return what matters most first."""
    return sorted(features, key=lambda each: (_ORDER[each.verdict], -each.distribution_deviation, each.feature))


def title(report: MonitoringReport) -> str:
    """Return what was looked at."""
    kind = "drift" if report.against is Against.WINDOW else "skew"
    return f"{one_line(report.subject)} · {kind}"


def period(report: MonitoringReport) -> str:
    """Return from when to when, and how many requests."""
    if report.start is None or report.end is None:
        return f"{report.rows:,} row{'s' * (report.rows != 1)}"
    requests = f"{report.requests:,} request{'s' * (report.requests != 1)}"
    times = [f"{time:%Y-%m-%d %H:%M}" for time in (report.start, report.end)]
    return f"{requests}, {' to '.join(dict.fromkeys(times))} UTC"


def summary(report: MonitoringReport) -> tuple[Verdict | None, str]:
    """Return the whole in a sentence."""
    compared = [each for window in report.windows for each in (*window.report.features, *window.report.predictions)]
    if not compared:
        return None, "nothing was compared"
    counts = {verdict: sum(each.verdict is verdict for each in compared) for verdict in Verdict}
    words = {Verdict.ALERT: "alert", Verdict.UNSURE: "unsure", Verdict.CHANGED: "changed", Verdict.STEADY: "steady"}
    told = [
        f"{count} {words[verdict]}{'s' * (verdict is Verdict.ALERT and count != 1)}"
        for verdict in _ORDER
        if (count := counts[verdict])
    ]
    found = worst(tuple(compared))
    if any(part.has_anomaly for window in report.windows for part in window.report.slices):
        found = Verdict.ALERT
        told.append("alerts in slices")
    return found, ", ".join(told)


def window_title(window: MonitoredWindow) -> str:
    """Return what one comparison is of."""
    count = window.report.current_count
    rows = f"{count:,} row{'s' * (count != 1)}"
    subject = f"{window.version}: {rows}" if window.version is not None else rows
    return f"{subject} against {one_line(window.baseline)}" if window.baseline else subject


def distance(each: FeatureComparison) -> str:
    """Return how far it is, and by which measure."""
    measure = "JS" if each.metric_type is MetricType.JENSEN_SHANNON else "L∞"
    return f"{each.distribution_deviation:.3f} {measure}"


def limit(each: FeatureComparison) -> str:
    """Return the threshold, and what so few rows blur."""
    return f"{each.anomaly_detection_threshold:g} ± {each.noise:.3f}"


def missing(each: FeatureComparison) -> str:
    """Return the shares of missing values."""
    before, after = share(each.baseline_missing_rate), share(each.current_missing_rate)
    return before if before == after else f"{before} → {after}"


def what(each: FeatureComparison) -> str:
    """Return what happened, without the feature's name, which stands beside it."""
    told = [one_line(finding.text).removeprefix(f"{one_line(each.feature)}: ") for finding in each.findings]
    return "; ".join(told) or MEANINGS[each.verdict]


def slice_lines(window: MonitoredWindow) -> list[tuple[Verdict, str, str]]:
    """Return, of each slice, the verdict, what it is, and what is found in it; what matters first."""
    found = []
    for part in window.report.slices:
        verdict = worst(part.features)
        if verdict is None:
            continue
        rows = max((each.current_count for each in part.features), default=0)
        alerts = [each for each in ordered(part.features) if each.verdict in {Verdict.ALERT, Verdict.UNSURE}]
        told = "; ".join(f"{one_line(each.feature)} {distance(each)}: {what(each)}" for each in alerts[:3])
        name = f"{one_line(part.column)} = {one_line(part.value)} ({rows:,} rows)"
        found.append((verdict, name, told or MEANINGS[verdict]))
    return sorted(found, key=lambda line: _ORDER[line[0]])[:_MOST_SLICES]


def footnotes(report: MonitoringReport) -> Iterator[str]:
    """Yield what has to be said below."""
    yield from report.notes
    if any(window.report.predictions for window in report.windows):
        yield "Predictions are compared with those of the window before."
    if any(window.report.features or window.report.predictions for window in report.windows):
        yield f"{MEASURES} ± is what so few rows may add by chance."
