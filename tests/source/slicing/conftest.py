"""Golden cases: text files with `=== NAME`, and in each the cells, the cell to package, and what must come out.

`--- cell [NUMBER] [raised LINE]` is an executed cell, `--- live NAME TYPE [NUMBER]` a name in the kernel, `--- ship
NAME…` names from data files, `--- train` the cell. `--- package`, `--- modules`, `--- shipped`, `--- notes` or
`--- error` are expected. `--- elsewhere` says that the notebook cannot run in a test: packages or files are missing.

To write what the slicer says now into the files, to be read in the diff: python tests/source/slicing/conftest.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlmagic.errors import CellError
from mlmagic.source.history import Cell, LiveName
from mlmagic.source.slice import slice_cell

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = ("package", "modules", "shipped", "notes", "error")


@dataclass
class Case:
    name: str
    file: str
    cells: list[Cell] = field(default_factory=list)
    cell: Cell = field(default_factory=lambda: Cell(source=""))
    live: dict[str, LiveName] = field(default_factory=dict)
    shipped: tuple[str, ...] = ()
    runs_here: bool = True
    given: list[tuple[str, str]] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)

    def outcome(self) -> dict[str, str]:
        try:
            result = slice_cell(self.cell, self.cells, live=self.live, shipped=self.shipped)
        except CellError as error:
            return {"error": f"{type(error).__name__}: {error}"}
        texts = {
            "package": "\n".join(statement.source for statement in result.statements),
            "modules": " ".join(result.modules),
            "shipped": " ".join(result.shipped),
            "notes": "\n".join(result.notes),
        }
        return {key: text for key, text in texts.items() if text}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        applies = getattr(metafunc.function, "applies", lambda _: True)
        cases = [case for case in read_cases() if applies(case)]
        metafunc.parametrize("case", cases, ids=[f"{case.file}: {case.name}" for case in cases])


def read_cases() -> list[Case]:
    return [case for path in sorted(GOLDEN.glob("*.txt")) for case in read_file(path)]


def read_file(path: Path) -> list[Case]:
    cases = []
    for block in f"\n{path.read_text(encoding='utf-8')}".split("\n=== ")[1:]:
        name, *sections = f"{block.rstrip()}\n".split("\n--- ")
        case = Case(name=name.strip(), file=path.name)
        for section in sections:
            head, _, text = section.rstrip("\n").partition("\n")
            add(case, head, text.encode().decode("unicode_escape") if head.endswith("escaped") else text)
            if head.split()[0] not in EXPECTED:
                case.given.append((head, text))
        cases.append(case)
    return cases


def add(case: Case, head: str, text: str) -> None:
    match head.removesuffix(" escaped").split():
        case ["cell", *words]:
            number = int(words[0]) if words and words[0].isdigit() else len(case.cells) + 1
            raised = int(words[words.index("raised") + 1]) if "raised" in words else None
            case.cells.append(Cell(source=text, number=number, raised_line=raised))
        case ["live", name, type_name, *number]:
            case.live[name] = LiveName(name=name, type_name=type_name, cell_number=int(number[0]) if number else None)
        case ["ship", *names]:
            case.shipped = tuple(names)
        case ["train"]:
            case.cell = Cell(source=text, first_line=2)
        case ["elsewhere"]:
            case.runs_here = False
        case [key]:
            case.expected[key] = text


def write() -> None:
    for path in sorted(GOLDEN.glob("*.txt")):
        blocks = []
        for case in read_file(path):
            sections = [*case.given, *case.outcome().items()]
            blocks.append(
                "\n".join([f"=== {case.name}", *(f"--- {head}\n{text}".rstrip("\n") for head, text in sections)])
            )
        path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
