"""Beam's metrics as Dataflow's API tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Update = dict[str, Any]


def metric_updates(committed: Any, attempted: Any, transforms: Mapping[str, Any]) -> list[Update]:
    """Return the counters and distributions of a pipeline.

    Each is told twice, as committed and as tentative: Beam's client fails where one of the two is missing.

    Args:
        committed: Beam's `MetricResults` of the work that is done.
        attempted: the same with the work that is under way.
        transforms: those of the pipeline, by their ids in it.
    """
    ids = {transform.unique_name: each for each, transform in transforms.items()}
    sure, found = committed.query(), attempted.query()
    updates: list[Update] = []
    for kind, tell in (("counters", _counter), ("distributions", _distribution)):
        known = {result.key: result.result for result in sure[kind]}
        for result in found[kind]:
            key = result.key
            context = {"step": ids.get(key.step, key.step), "namespace": key.metric.namespace}
            for each, value in ((context, known.get(key)), ({**context, "tentative": "true"}, result.result)):
                name = {"origin": "user", "name": key.metric.name, "context": each}
                updates.append({"name": name, **tell(value)})
    return updates


def _counter(value: int | None) -> Update:
    return {"kind": "Sum", "scalar": value or 0}


def _distribution(value: Any | None) -> Update:
    fields = ("count", "sum", "min", "max")
    return {"kind": "Distribution", "distribution": {name: getattr(value, name, 0) for name in fields}}
