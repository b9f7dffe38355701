"""What a cell may import from the package that it becomes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.errors import CellError
from mlmagic.source.parts import part_closure, part_text

FILES = [f"trainer/{part}.py" for part in ("checkpoint", "cluster", "epochs", "loop", "servers", "workers")]
LOOP = "from trainer.loop import fit\n"
CELL = f"{LOOP}def train(epochs=1):\n    return fit(None, None, epochs=epochs)\n"


@pytest.mark.parametrize(
    "cells",
    [
        [CELL],
        ["def train():\n    from trainer import loop\n    return loop.fit()"],
        ["import trainer.loop as loops\ndef train():\n    pass"],
        ["def go():\n    from trainer.loop import fit\n", "def train():\n    go()"],
        [f"{LOOP}fit(None, None, epochs=1)"],
    ],
)
def test_the_loop_comes_with_whoever_imports_it(build, cells: list[str]) -> None:
    package = build(*cells)
    assert [name for name in package.files if name in FILES] == FILES
    assert package.requirements == ("keras==3.15.1", "tensorboard==2.21.0", "tensorflow-cpu==2.21.0")
    assert package.files["trainer/task.py"].count(b"join_cluster()") == 1


def test_the_loop_stays_out_of_other_packages(build) -> None:
    package = build("import keras\ndef train():\n    pass")
    assert not set(FILES) & set(package.files)
    assert b"join_cluster" not in package.files["trainer/task.py"]


def test_a_local_module_may_import_the_loop(build, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOOP)
    package = build("import mine\ndef train():\n    mine.fit()", local_modules={"mine": tmp_path / "mine.py"}.get)
    assert {"mine.py", *FILES} <= set(package.files)


def test_the_loop_counts_even_beside_a_folder_called_trainer(build) -> None:
    assert set(FILES) <= set(build(CELL, local_modules=lambda name: Path("/nb") / name).files)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from trainer.lop import fit", "trainer.lop.fit"),
        ("from trainer.loop import fitt", "trainer.loop.fitt"),
        ("import trainer", "trainer"),
        ("from trainer.model import x", "trainer.model.x"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(build, line: str, name: str) -> None:
    with pytest.raises(CellError) as caught:
        build(f"{line}\ndef train():\n    pass")
    assert str(caught.value) == (
        "the cell imports from `trainer`, its own package, what is not there:\n"
        f"  - `{name}` (Cell [9], line 2)\n`from trainer.loop import fit, is_chief` works."
    )


def test_all_that_is_not_there_is_told_at_once(build) -> None:
    with pytest.raises(CellError, match=r"`trainer.a` .*\n.*`trainer.b.c` "):
        build("import trainer.a\nfrom trainer.b import c\ndef train():\n    pass")


@pytest.mark.parametrize("file", sorted({*FILES, *part_closure("training")}))
def test_generated_modules_are_formatted_and_short(file: str, tmp_path: Path) -> None:
    path = tmp_path / "part.py"
    path.write_text(part_text(Path(file).stem))
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--line-length", "100", str(path)]
    told = subprocess.run(command, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    functions = [item for item in ast.walk(ast.parse(path.read_text())) if isinstance(item, ast.FunctionDef)]
    assert max((item.end_lineno or 0) - item.body[0].lineno for item in functions) < 60
    assert "mlmagic" not in path.read_text()
