"""Whole packages, to the byte. `MLMAGIC_WRITE_GOLDEN=1 pytest …` writes what is built now, to be read and committed."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import numpy as np
import pytest

from mlmagic.source.build import build_package
from mlmagic.source.data import DataFile, to_data_file
from mlmagic.source.history import Cell
from mlmagic.spec.package import TrainerPackage

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.cells"))
INSTALLED = {
    "numpy": ("numpy", "2.4.6"),
    "pandas": ("pandas", "3.1.1"),
    "tensorflow": ("tensorflow-cpu", "2.21.0"),
    "keras": ("keras", "3.15.1"),
    "tensorboard": ("tensorboard", "2.21.0"),
}


def read_cells(path: Path) -> list[Cell]:
    _, *parts = re.split(r"^# %% \[(\w+)\]\n", path.read_text(), flags=re.MULTILINE)
    numbers = [ast.literal_eval(number) for number in parts[::2]]
    cells = [Cell(number=number, source=source) for number, source in zip(numbers, parts[1::2], strict=True)]
    return [*cells[:-1], Cell(number=cells[-1].number, source=cells[-1].source, first_line=2)]


def data_files() -> dict[str, DataFile]:
    frame = DataFile(
        name="df",
        file_name="df.csv",
        content=b"x,y\n1,2\n",
        loader='pd.read_csv(Path(__file__).parent / "data" / "df.csv")',
        imports=("import pandas as pd",),
    )
    return {"df": frame, "weights": to_data_file("weights", np.array([1.0, 2.0]))}


def package_of(case: str) -> TrainerPackage:
    *history, cell = read_cells(GOLDEN / f"{case}.cells")
    data = data_files() if case == "data" else {}
    return build_package(
        "taxi", cell, history, ship=data, installed=INSTALLED.get, local_modules=lambda _: None, python="3.11"
    )


def printed(package: TrainerPackage) -> str:
    files = {name: content.decode("utf-8", "backslashreplace") for name, content in package.files.items()}
    return "".join(f"===== {name}\n{text}" for name, text in files.items() if not name.endswith(".npy"))


@pytest.mark.parametrize("case", CASES)
def test_the_package_is_this_to_the_byte(case: str) -> None:
    package, path = package_of(case), GOLDEN / f"{case}.package"
    if os.environ.get("MLMAGIC_WRITE_GOLDEN"):
        path.write_text(printed(package))
    assert printed(package) == path.read_text()
    assert package == package_of(case)


@pytest.mark.parametrize("case", CASES)
def test_every_line_of_the_source_map_is_that_of_the_cell(case: str) -> None:
    cells = {cell.number: cell for cell in read_cells(GOLDEN / f"{case}.cells")}
    package = package_of(case)
    lines = package.files["trainer/model.py"].decode().split("\n")
    for block in package.source_map.blocks:
        cell = cells[block.cell_number]
        start = block.cell_first_line - cell.first_line
        copied = lines[block.first_line - 1 : block.last_line]
        assert cell.source.split("\n")[start : start + len(copied)] == copied


def test_execution_numbers_do_not_change_the_digest() -> None:
    first, second = (
        build_package("a", Cell(number=number, source="print(1)"), installed=INSTALLED.get) for number in (3, 33)
    )
    other = build_package("a", Cell(number=3, source="print(2)"), installed=INSTALLED.get)
    assert first.digest == second.digest != other.digest
    assert b"# Cell [33]\n" in second.files["trainer/model.py"]
