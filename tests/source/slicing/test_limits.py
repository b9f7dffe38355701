"""Notebooks beyond reason: long chains, deep expressions, huge cells."""

from __future__ import annotations

import pytest

from mlmagic.errors import CellError
from mlmagic.source.cells import parse_cell
from mlmagic.source.history import Cell
from mlmagic.source.slice import slice_cell

TRAIN = Cell(source="def train():\n    return N", first_line=2)


def test_a_chain_of_thousands_of_changes() -> None:
    history = [Cell(source="N = 0", number=1), *(Cell(source="N += 1", number=i) for i in range(2, 3000))]
    assert len(slice_cell(TRAIN, history).statements) == 3000


def test_functions_that_call_one_another_too_deep_to_be_followed() -> None:
    functions = "\n".join(f"def f{i}(x):\n    return f{i + 1}(x)" for i in range(900))
    source = f"{functions}\ndef f900(x):\n    return x\nN = f0(1)"
    with pytest.raises(CellError, match="calls too deep to be followed"):
        slice_cell(TRAIN, [Cell(source=source, number=1)])


def test_an_expression_too_deep_is_no_crash() -> None:
    deep = Cell(source=f"N = {'+'.join(['1'] * 5000)}")
    with pytest.raises(CellError, match="Cell, line 1: too deeply nested"):
        slice_cell(deep, [])
    assert slice_cell(Cell(source="A = 1"), [deep]).statements[0].source == "A = 1"


def test_a_cell_of_thousands_of_lines() -> None:
    source = "\n".join(f"A{i} = {i}" for i in range(5000)) + "\nN = A4999"
    assert [s.source for s in slice_cell(TRAIN, [Cell(source=source, number=1)]).statements[:2]] == [
        "A4999 = 4999",
        "N = A4999",
    ]


def test_an_unclosed_bracket_swallows_no_magic() -> None:
    parsed = parse_cell("x = (1\n!ls\n")
    assert parsed.problem is not None
    assert not parsed.statements
