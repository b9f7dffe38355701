"""What comes out of notebooks, byte for byte; and where they can run, that the package does what the kernel did."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from mlmagic.source.cells import parse_cell
from mlmagic.source.slice import slice_cell
from mlmagic.source.trace import executed_statements


def run(source: str, module: types.ModuleType, future: str = "") -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(future + source, "<golden>", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return printed.getvalue()


def run_notebook(case: Any, module: types.ModuleType) -> None:
    """Run the cells as the kernel would, where a future import lasts."""
    future = ""
    for cell in [*case.cells, case.cell]:
        text = "\n".join(statement.source for statement in executed_statements(cell))
        run(text, module, future)
        future = "from __future__ import annotations\n" if "__future__" in text else future


def plain(result: object) -> str:
    """Write a result without the addresses of its objects."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(result))


def test_golden(case: Any) -> None:
    assert case.outcome() == case.expected


def of_cases(applies: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Give a test those of the cases that say something about it."""

    def mark(test: Any) -> Any:
        test.applies = applies
        return test

    return mark


@of_cases(lambda case: case.runs_here and "def train" in case.expected.get("package", ""))
def test_the_package_does_what_the_kernel_did(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, package = types.ModuleType("model"), types.ModuleType("model")
    monkeypatch.setitem(sys.modules, "model", kernel)
    run_notebook(case, kernel)
    expected = plain(kernel.train())
    monkeypatch.setitem(sys.modules, "model", package)
    assert not run(case.expected["package"], package) or "print(" in case.expected["package"]
    assert plain(package.train()) == expected


@of_cases(lambda case: "error" not in case.expected and "escaped" not in str(case.given))
def test_every_statement_knows_its_place(case: Any) -> None:
    for statement in slice_cell(case.cell, case.cells, live=case.live, shipped=case.shipped).statements:
        line = statement.cell.source.split("\n")[statement.first_line - statement.cell.first_line]
        assert statement.source.split("\n")[0].split(" #")[0].rstrip(";") in line


def test_the_same_notebook_gives_the_same_bytes(case: Any) -> None:
    parse_cell.cache_clear()
    first = case.outcome()
    parse_cell.cache_clear()
    assert case.outcome() == first
