"""Logged bodies to columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlmagic.monitoring.bodies import OddBodiesError, read_bodies
from mlmagic.monitoring.body_depth import is_deep
from mlmagic.monitoring.odd_bodies import read_odd_bodies
from mlmagic.serving.request_log import instances
from mlmagic.serving.request_log.instances import instances_of
from mlmagic.serving.request_log.records import Head, Logged
from mlmagic.serving.request_log.tables import to_table

Columns = dict[str, list[Any]]


def _table(*pairs: tuple[Any, Any]) -> pa.Table:
    records = [
        Logged(0, place, 1 + place % 2, json.dumps(request).encode(), json.dumps(reply).encode())
        for place, (request, reply) in enumerate(pairs)
    ]
    return to_table(Head("rides", "taxi", None), records)


def _instances(*pairs: tuple[Any, Any], **options: Any) -> tuple[Columns, Columns, int]:
    """Return inputs, predictions, and how many requests are of other forms; the parts one behind the other."""
    inputs: Columns = {}
    predictions: Columns = {}
    skipped = 0
    for found in instances_of(_table(*pairs), **options):
        skipped += found.skipped
        for columns, more in ((inputs, found.inputs), (predictions, found.predictions)):
            for name, values in more.items():
                columns.setdefault(name, []).extend(values.to_pylist())
    return inputs, predictions, skipped


def test_rows_and_columns_become_the_same_columns() -> None:
    rows = {"instances": [{"miles": [1.5], "zone": "a"}, {"miles": [2]}]}
    columns = {"inputs": {"miles": [3, 4], "zone": ["b", None]}}
    found = _instances((columns, {"outputs": [9.0, 10.0]}), (rows, {"predictions": [[7.0], [8.0]]}))
    assert found == (
        {"miles": [3, 4, 1.5, 2], "zone": ["b", None, "a", None]},
        {"prediction": [9.0, 10.0, 7.0, 8.0]},
        0,
    )


def test_values_without_a_name_need_one_and_other_forms_are_counted() -> None:
    bare = ({"instances": [1, 2]}, {"predictions": [{"y": 1, "z": 2}, {"y": 3, "z": 4}]})
    examples = ({"examples": [{"x": 1}]}, {"results": [1.0]})
    assert _instances(bare, examples) == ({}, {}, 2)
    assert _instances(bare, examples, only_input="x") == ({"x": [1, 2]}, {"y": [1, 3], "z": [2, 4]}, 1)


def test_nulls_before_the_first_value_or_alone_are_kept() -> None:
    first = {"inputs": {"miles": [None, 2.5], "zone": [None, "a"], "tip": [None, None]}}
    found = _instances((first, {"predictions": [None, None]}))
    assert found == ({"miles": [None, 2.5], "zone": [None, "a"], "tip": [None, None]}, {"prediction": [None, None]}, 0)
    rows = {"instances": [None, 1.5, None]}
    assert _instances((rows, {"predictions": [[None], [2], [None]]}), only_input="x") == (
        {"x": [None, 1.5, None]},
        {"prediction": [None, 2, None]},
        0,
    )


def test_one_version_alone() -> None:
    pairs = [({"instances": [{"x": number}]}, {"predictions": [number]}) for number in range(4)]
    assert _instances(*pairs, version="2")[0] == {"x": [1, 3]}
    assert _instances(*pairs, version="3")[0] == {}


@pytest.mark.parametrize(
    "odd",
    [
        ({"instances": [{"x": "far"}]}, {"predictions": [2]}),
        ({"instances": [{"x": [[1, 2]]}]}, {"predictions": [[[1], [2]]]}),
        ({"instances": [{"x": float("nan")}]}, {"predictions": [True]}),
        ({"instances": [{"x": "\ud800"}]}, {"predictions": ["\udfff"]}),
        ({"instances": [{"x": 1}, {"x": 2}]}, {"predictions": [1]}),
        ({"inputs": {"x": [1], "z": [1, 2]}}, {"outputs": [1]}),
        ({"inputs": {"x": [], "z": [1]}}, {"outputs": [1]}),
        ([], 3),
    ],
)
def test_an_odd_body_costs_no_other(odd: tuple[Any, Any]) -> None:
    plain = ({"instances": [{"x": 1.5}]}, {"predictions": [2.5]})
    found = instances_of(_table(plain, odd, plain))
    rows = [str(value) for part in found for value in (part.inputs.get("x") or pa.array([])).to_pylist()]
    assert (rows[0], rows[-1]) == ("1.5", "1.5")


def _random_bodies(count: int, seed: int) -> list[tuple[Any, Any]]:
    chance = np.random.default_rng(seed)
    texts = ["north", "2013-01-01", "12", 'so "far"', "", None, "\u00e9\n"]
    pairs = []
    for _ in range(count):
        size = int(chance.integers(0, 4))
        rows = [
            {"a": float(chance.normal()), "b": [texts[chance.integers(7)]], "c": [int(chance.integers(9)), 2**53]}
            for _ in range(size)
        ]
        for row in rows:
            if chance.random() < 0.2:
                del row["a"]
        answers = [[float(chance.lognormal())] for _ in range(size)]
        columns = {name: [row.get(name) for row in rows] for name in ("a", "b", "c")}
        is_named = chance.random() < 0.3
        pairs.append(({"inputs": columns} if is_named else {"instances": rows}, {"predictions": answers}))
    return pairs


@pytest.mark.parametrize("seed", range(5))
def test_all_at_once_and_each_by_itself_are_the_same(seed: int) -> None:
    table = _table(*_random_bodies(60, seed))
    bodies = [table.column(name).combine_chunks() for name in ("request_payload", "response_payload")]
    inputs, predictions, places = read_odd_bodies(*bodies, None)
    blocks = read_bodies(*bodies, None)
    order = np.argsort(np.concatenate([rows for _, _, rows in blocks]), kind="stable")
    assert np.array_equal(np.concatenate([rows for _, _, rows in blocks])[order], places)
    for part, columns in ((0, inputs), (1, predictions)):
        for name, values in columns.items():
            found = pa.chunked_array([block[part][name] for block in blocks]).take(pa.array(order))
            assert found.to_pylist() == values.to_pylist()


def test_blocks_are_small_and_tell_which_request_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "_BLOCK_BYTES", 100)
    pairs = [({"instances": [{"x": number}] * 2}, {"predictions": [1, 2]}) for number in range(9)]
    found = list(instances_of(_table(*pairs), version="1"))
    assert len(found) > 2
    assert [place for part in found for place in part.requests] == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    assert [value for part in found for value in part.inputs["x"].to_pylist()] == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]


def test_a_key_keeps_its_digits() -> None:
    pair = ({"instances": [{"id": 12345678901234567890, "x": 1e20}]}, {"predictions": [1]})
    assert _instances(pair, key="id")[0] == {"id": ["12345678901234567890"], "x": [1e20]}


def test_what_is_nested_too_deeply_is_told_beforehand() -> None:
    deep, wide = "[" * 1001 + "]" * 1001, "[" + "[1], " * 2000 + "[2]]"
    hidden = '{"a\\"]]": ' * 1001 + "1" + "}" * 1001
    assert [is_deep(pa.array([each])) for each in (deep, wide, hidden, f'"{deep}"', "{}")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    with pytest.raises(OddBodiesError):
        read_bodies(pa.array(["[" * 100_000]), pa.array(["{}"]), None)
