"""What a cell defines for preprocessing, and what is wrong with it."""

from __future__ import annotations

import ast

import pytest

from mlmagic.errors import CellError
from mlmagic.source.cleaning import Cleaning, recognise_cleaning
from mlmagic.source.declaration import check_declaration


def recognise(source: str) -> Cleaning:
    return recognise_cleaning(ast.parse(source).body, lambda line: f"line {line}", check_declaration)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def clean(batch):\n    return batch", Cleaning(function="clean", needs_pandas=True)),
        ("def clean(batch: pd.DataFrame):\n    return batch", Cleaning(function="clean", needs_pandas=True)),
        ("def clean(batch: pa.RecordBatch, strict=True):\n    return batch", Cleaning(function="clean")),
        ("def clean(batch: 'pa.Table'):\n    return batch", Cleaning(function="clean")),
        ("def clean(*batches):\n    return batches[0]", Cleaning(function="clean", needs_pandas=True)),
        ("def clean_row(row):\n    if row['x']:\n        return row", Cleaning(function="clean_row")),
        ("from own import clean", Cleaning(function="clean", needs_pandas=True)),
        ("import functools\nclean = functools.partial(other, 1)", Cleaning(function="clean", needs_pandas=True)),
        ("def clean(batch):\n    raise ValueError", Cleaning(function="clean", needs_pandas=True)),
        ("features = {'x': 'numeric'}", Cleaning(declares_features=True)),
        ("features = make(2)", Cleaning(declares_features=True)),
    ],
)
def test_what_is_recognised(source: str, expected: Cleaning) -> None:
    assert recognise(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def clean(batch):\n    batch['x'] = 1\n    def f():\n        return 1",
            "`clean` (line 1) returns nothing, so that no row would be left: end it with `return batch`.",
        ),
        (
            "def clean_row(row):\n    return None",
            "`clean_row` (line 1) returns nothing, so that no row would be left: end it with `return row`.",
        ),
        (
            "def clean():\n    return 1",
            "`clean` (line 1) takes no argument; the job calls `clean(batch)`, with one arg",
        ),
        ("def clean(a, b):\n    return a", "`clean` (line 1) needs 2 arguments (a, b); the job calls `clean(batch)`"),
        ("def clean(a, *, b):\n    return a", "`clean` (line 1) needs the keyword b; the job calls"),
        (
            "def clean_row(row):\n    yield row",
            "`clean_row` (line 1) yields; it must return what is left of its row: a dict, a list of them, or None.",
        ),
        (
            "async def clean(b):\n    return b",
            "line 1 has `async def clean`; the job calls a plain function: `def clean(",
        ),
        ("class clean:\n    pass", "line 1 has `class clean`; the job calls a plain function"),
        ("clean = lambda b: b", "line 1 has `clean = lambda ...`; the job calls a plain function"),
        (
            "def clean(b):\n    return b\n\nclean(df)",
            "line 4 calls `clean`, which the job does itself: take the call out, or put it into another cell.",
        ),
        ("features = {'x': 'numerc'}", "line 1: x: it has an unknown type 'numerc'. Did you mean numeric?"),
        ("def features():\n    pass", "line 1 defines `features` as code; it is a mapping: `features = {...}`."),
        (
            "def cleanup(batch):\n    return batch",
            "the cell defines none of `clean`, `clean_row` and `features`, so that it would do nothing. Did you mean",
        ),
    ],
)
def test_what_is_refused(source: str, message: str) -> None:
    with pytest.raises(CellError) as caught:
        recognise(source)
    assert str(caught.value).startswith(message)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(CellError) as caught:
        recognise("def clean(a, b):\n    a\ndef clean_row(row):\n    return row\nfeatures = {'x': 'no', 'y': 'none'}")
    assert caught.value.message == "the cell cannot preprocess anything as it is:"
    assert len(caught.value.problems) == 5
    assert caught.value.problems[2].startswith("it defines both `clean` (line 1) and `clean_row` (line 3): keep one;")
    assert "    def clean(batch: pd.DataFrame):" in str(caught.value.hint)
