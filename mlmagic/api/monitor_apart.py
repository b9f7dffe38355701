"""Which of the versions that answered did better: each beside the one that gets most of the requests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.spec.endpoint import EndpointSpec
from mlmagic.spec.monitoring_report import VersionsApart

if TYPE_CHECKING:
    from mlmagic.api.monitor_truth import Judged
    from mlmagic.evaluation.outcome import Outcome
    from mlmagic.evaluation.versions_apart import Answered


def versions_apart(spec: EndpointSpec, judged: Mapping[int, Judged]) -> tuple[tuple[VersionsApart, ...], list[str]]:
    """Return the verdicts, and what there is to say about them.

    Args:
        spec: of the endpoint, whose shares tell which version is in use.
        judged: by version, those of which some truth is known.
    """
    if len(judged) < 2:
        return (), []
    shares = {version.number: version.traffic for version in spec.deployed}
    main = max(judged, key=lambda number: (shares.get(number, -1), judged[number].report.rows, -number))
    first = judged[main].outcome
    found, notes = [], []
    for number in sorted(judged.keys() - {main}):
        second = judged[number].outcome
        if second.task is not first.task:
            notes.append(f"{first.version} and {second.version} do different things, so neither is better.")
        elif (apart := _apart(first, second)) is not None:
            found.append(apart)
    return tuple(found), notes


def _apart(first: Outcome, second: Outcome) -> VersionsApart | None:
    from mlmagic.evaluation import versions_apart as apart

    metric = _main_metric([each.metrics() for each in (first, second)])
    if metric is None:
        return None
    difference = apart.versions_apart(_answered(first, metric), _answered(second, metric))[metric]
    rows = [len(each.actual) for each in (first, second)]
    has_interval = math.isfinite(difference.low) and math.isfinite(difference.high)
    is_unsure = difference.verdict is apart.Better.UNSURE
    return VersionsApart(
        metric=metric,
        first=first.version,
        second=second.version,
        first_value=difference.first,
        second_value=difference.second,
        first_rows=rows[0],
        second_rows=rows[1],
        low=difference.low if has_interval else None,
        high=difference.high if has_interval else None,
        is_better=None if is_unsure else difference.verdict is apart.Better.BETTER,
        least_rows=apart.LEAST_ROWS,
        rows_needed=apart.rows_needed(difference, sum(rows)) if is_unsure else None,
    )


def _main_metric(metrics: Sequence[Mapping[str, float]]) -> str | None:
    """Return the first metric that all have, which is the one that counts most: with more, chance finds a winner."""
    return next((name for name in metrics[0] if all(math.isfinite(each.get(name, math.nan)) for each in metrics)), None)


def _answered(outcome: Outcome, metric: str) -> Answered:
    from mlmagic.evaluation.versions_apart import Answered

    def compute(places: Any) -> dict[str, float]:
        return {metric: outcome.metrics(places)[metric]}

    return Answered(compute=compute, rows=len(outcome.actual))
