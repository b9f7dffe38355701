"""Beam's metrics as Dataflow's API tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Update = dict[str, Any]


def metric_updates(results: Any, transforms: Mapping[str, Any]) -> list[Update]:
    """Return the counters and distributions of a pipeline that ended.

    Each is told twice, as committed and as tentative: Beam's client fails where one of the two is missing.

    Args:
        results: Beam's `MetricResults`.
        transforms: those of the pipeline, by their ids in it.
    """
    ids = {transform.unique_name: each for each, transform in transforms.items()}
    found = results.query()
    updates: list[Update] = []
    for result in found["counters"]:
        updates += _twice(result, ids, {"scalar": result.result})
    for result in found["distributions"]:
        data = result.result
        told = {"count": data.count, "sum": data.sum, "min": data.min, "max": data.max}
        updates += _twice(result, ids, {"distribution": told, "kind": "Distribution"})
    return updates


def _twice(result: Any, ids: Mapping[str, str], value: Update) -> list[Update]:
    key = result.key
    context = {"step": ids.get(key.step, key.step), "namespace": key.metric.namespace}
    return [
        {"name": {"origin": "user", "name": key.metric.name, "context": each}, "kind": "Sum", **value}
        for each in (context, {**context, "tentative": "true"})
    ]
