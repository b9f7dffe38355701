"""The quick way through a block and the other give the same rows."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmagic.preprocessing.reading import delimited, json_lines
from mlmagic.preprocessing.reading.options import Format, ReadOptions
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.source import Layout, Piece, Source, Unit
from mlmagic.spec.dataset import Column, ColumnType

KINDS = list(ColumnType)
FRAGMENTS = [
    "1",
    "-2",
    "2.50",
    "1e5",
    "inf",
    "nan",
    "NA",
    "",
    "true",
    "No",
    "x",
    " 3 ",
    "0x1F",
    "+7",
    "9" * 19,
    "1e999",
]
TIMES = [
    "2013-05-01",
    "2013-05-01 12:00:00",
    "2013-05-01T12:00:00Z",
    "2013-05-01 12:00:00 UTC",
    "0000-01-01",
    "9999-12-31",
]
NOISE = st.text(alphabet='01.,-:"\n\r x\x00é', max_size=6)
FIELD = st.one_of(
    st.sampled_from(FRAGMENTS + TIMES), st.sampled_from([f'"{text}"' for text in FRAGMENTS + TIMES]), NOISE
)
ROWS = st.lists(st.lists(FIELD, min_size=2, max_size=2), max_size=6)


def source(kinds: list[ColumnType], form: Format) -> Source:
    return Source(
        format=form,
        columns=tuple(Column(name=n, type=k) for n, k in zip("ab", kinds, strict=True)),
        options=ReadOptions(),
    )


def everything(source: Source, path: Path, *, multiline: bool = False) -> tuple[object, object]:
    size = path.stat().st_size
    layout = Layout(names=("a", "b"), is_multiline=multiline)
    unit = Unit(index=0, pieces=(Piece(path=str(path), start=0, stop=size, size=size, layout=layout),))
    raws = list(read_unit(source, unit))
    # NaN is not equal to itself, so the rows are compared as text.
    return str([row for raw in raws for row in raw.batch.to_pylist()]), [row for raw in raws for row in raw.rejected]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)), multiline=st.booleans())
def test_csv(rows, kinds, multiline, tmp_path: Path):
    path = tmp_path / "rows.csv"
    path.write_bytes("".join(",".join(row) + "\n" for row in rows).encode())
    plan = source(list(kinds), Format.CSV)
    quick = everything(plan, path, multiline=multiline)
    with patch.object(delimited._Quick, "read", return_value=None):
        assert everything(plan, path, multiline=multiline) == quick


def test_a_quoted_nan_is_missing_either_way(tmp_path: Path):
    path = tmp_path / "rows.csv"
    path.write_text('"nan",1\nnan,"2"\n')
    rows, _ = everything(source([ColumnType.FLOAT, ColumnType.INTEGER], Format.CSV), path)
    assert rows == "[{'a': None, 'b': 1}, {'a': None, 'b': 2}]"


LITERALS = [
    "1",
    "-2.0",
    "2.5",
    "1e5",
    "1e999",
    "true",
    "null",
    "NaN",
    "[1]",
    "{}",
    '"x"',
    '"1"',
    '"2013-05-01"',
    '"}"',
    "01",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(st.sampled_from(LITERALS), max_size=2), max_size=5),
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
)
def test_json(rows, kinds, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    lines = [
        "{" + ", ".join(f'"{name}": {value}' for name, value in zip("ab", row, strict=False)) + "}\n" for row in rows
    ]
    path.write_text("".join(lines))
    plan = source(list(kinds), Format.JSONL)
    quick = everything(plan, path)
    with patch.object(json_lines, "_read_quickly", return_value=None):
        slow = everything(plan, path)
    assert slow[1] == quick[1]
    assert slow[0] == quick[0].replace("nan", "None")
