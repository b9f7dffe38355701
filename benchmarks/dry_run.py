"""`%%train NAME --dry-run` after 60 executed cells; the floor is Python's own parser over the same cells."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import interleaved, print_table, timed

CELLS = 60
ROUNDS = 21

_CELL = """
import math
LIMIT_{n} = {n} * 10
WEIGHTS_{n} = [LIMIT_{n}, LIMIT_{n} // 2, 3]


def scale_{n}(values, factor=LIMIT_{n}):
    '''Scale the values, as the cell above does and then some.'''
    return [math.sqrt(value) * factor for value in {inner}]


class Reader_{n}:
    limit = LIMIT_{n}

    def rows(self, path):
        with open(path) as lines:
            return scale_{n}([float(line) for line in lines][: self.limit])
"""
_TRAIN = """
def train(epochs: int = 3, learning_rate: float = 0.1):
    '''Use the last cell, which uses the one before it, and so on.'''
    return {{"loss": sum(scale_{last}([1.0, 2.0])) * epochs * learning_rate}}
"""


def main() -> None:
    cells = [_CELL.format(n=n, inner=f"scale_{n - 1}(values)" if n else "values") for n in range(CELLS)]
    with _notebook(cells) as shell:
        body = _TRAIN.format(last=CELLS - 1)

        def dry_run() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                shell.run_cell_magic("train", "scaled --dry-run", body)

        variants = {
            "%%train --dry-run, all 60 cells needed": lambda: timed(dry_run),
            "ast.parse of the same cells": lambda: timed(lambda: [ast.parse(cell) for cell in [*cells, body]]),
        }
        dry_run()
        print_table("Looking at a package", interleaved(variants, rounds=ROUNDS), goal="under 100 ms")


@contextlib.contextmanager
def _notebook(cells: list[str]) -> Iterator[Any]:
    """A shell in which the cells were executed, with a workspace of its own."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLMAGIC_HOME"] = f"{folder}/.mlmagic"
        os.environ["IPYTHONDIR"] = folder
        shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
        shell.run_line_magic("load_ext", "mlmagic")
        for cell in cells:
            shell.run_cell(cell, store_history=True)
        yield shell


if __name__ == "__main__":
    main()
