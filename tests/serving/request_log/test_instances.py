"""Logged bodies to columns."""

from __future__ import annotations

import json
from typing import Any

from mlmagic.serving.request_log.instances import Instances, instances_of
from mlmagic.serving.request_log.records import Head, Logged
from mlmagic.serving.request_log.tables import to_table


def _instances(*pairs: tuple[Any, Any], **options: Any) -> Instances:
    records = [
        Logged(0, place, 1 + place % 2, json.dumps(request).encode(), json.dumps(reply).encode())
        for place, (request, reply) in enumerate(pairs)
    ]
    return instances_of(to_table(Head("rides", "taxi", None), records), **options)


def test_rows_and_columns_become_the_same_columns() -> None:
    rows = {"instances": [{"miles": [1.5], "zone": "a"}, {"miles": 2}]}
    columns = {"inputs": {"miles": [3, 4], "zone": ["b", None]}}
    found = _instances((rows, {"predictions": [[7.0], [8.0]]}), (columns, {"outputs": [9.0, 10.0]}))
    assert found.inputs == {"miles": [1.5, 2, 3, 4], "zone": ["a", None, "b", None]}
    assert found.predictions == {"prediction": [7.0, 8.0, 9.0, 10.0]}
    assert (found.versions, found.skipped) == (["1", "1", "2", "2"], 0)


def test_values_without_a_name_need_one_and_other_forms_are_counted() -> None:
    bare = ({"instances": [1, 2]}, {"predictions": [{"y": 1, "z": 2}, {"y": 3, "z": 4}]})
    examples = ({"examples": [{"x": 1}]}, {"results": [1.0]})
    assert _instances(bare, examples).skipped == 2
    found = _instances(bare, examples, only_input="x")
    assert (found.inputs, found.predictions, found.skipped) == ({"x": [1, 2]}, {"y": [1, 3], "z": [2, 4]}, 1)


def test_one_version_alone() -> None:
    pairs = [({"instances": [{"x": number}]}, {"predictions": [number]}) for number in range(4)]
    assert _instances(*pairs, version="2").inputs == {"x": [1, 3]}
