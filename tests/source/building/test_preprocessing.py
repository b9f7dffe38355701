"""Packages of `%%preprocess` cells."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mlmagic.errors import CellError, MissingDependencyError
from mlmagic.source.data import DataFile
from mlmagic.source.export import write_package
from mlmagic.source.history import Cell, LiveName
from mlmagic.source.preprocessing import build_preprocessor, vendored_files
from mlmagic.spec.package import TrainerPackage

INSTALLED = {
    "apache_beam": ("apache-beam", "2.77.0"),
    "numpy": ("numpy", "2.4.6"),
    "pandas": ("pandas", "3.1.1"),
    "pyarrow": ("pyarrow", "25.0.0"),
    "tensorflow": ("tensorflow-cpu", "2.21.0"),
}
ARROW = "import pyarrow as pa\n\ndef clean(batch: pa.RecordBatch):\n    return batch\n"
PANDAS = "def clean(batch):\n    return batch[batch.fare > 2.5]\n"
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mlmagic":
            raise ImportError("the package must not need mlmagic")

sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture
def build() -> Callable[..., TrainerPackage]:
    def build_cells(*sources: str, **options: object) -> TrainerPackage:
        *earlier, last = sources
        history = [Cell(source=source, number=index) for index, source in enumerate(earlier, 1)]
        cell = Cell(source=last, number=9, cell_id="c9", first_line=2) if last else None
        options = {"installed": INSTALLED.get, "local_modules": lambda _: None, "python": "3.11"} | options
        return build_preprocessor("Taxi_rides", cell, history, **options)

    return build_cells


def test_the_files_of_a_package(build) -> None:
    package = build(ARROW)
    own = sorted(package.files.keys() - vendored_files().keys())
    assert own == [
        *("preprocessor/__init__.py", "preprocessor/cell.py", "preprocessor/task.py"),
        *("pyproject.toml", "requirements.txt", "setup.py"),
    ]
    assert package.files["preprocessor/task.py"].endswith(b'    main(cell="preprocessor.cell")\n')
    assert package.module == "preprocessor.task"


def test_the_cell_stands_in_the_source_map(build) -> None:
    package = build("LEAST = 2.5", "\n" + PANDAS.replace("2.5", "LEAST"))
    lines = package.files["preprocessor/cell.py"].decode().split("\n")
    here, there = package.source_map.blocks
    assert (here.file, here.cell_number, lines[here.first_line - 1]) == ("preprocessor/cell.py", 1, "LEAST = 2.5")
    assert (there.cell_number, there.cell_id, there.cell_first_line) == (9, "c9", 3)
    assert lines[there.first_line - 1] == "def clean(batch):"


def test_a_cell_run_again_is_the_same_package() -> None:
    def digest(number: int) -> str:
        return build_preprocessor("rides", Cell(source=ARROW, number=number)).digest

    assert digest(1) == digest(2) != build_preprocessor("rides").digest


@pytest.mark.parametrize(
    ("source", "pins"),
    [
        (ARROW, ["apache-beam==2.77.0", "numpy==2.4.6", "pyarrow==25.0.0"]),
        (PANDAS, ["apache-beam==2.77.0", "numpy==2.4.6", "pandas==3.1.1", "pyarrow==25.0.0"]),
        ("fare: numeric", ["apache-beam==2.77.0", "numpy==2.4.6", "pyarrow==25.0.0"]),
        ("", ["apache-beam==2.77.0", "numpy==2.4.6", "pyarrow==25.0.0"]),
    ],
)
def test_requirements(build, source: str, pins: list[str]) -> None:
    package = build(source)
    assert list(package.requirements) == pins
    assert package.files["requirements.txt"].decode().splitlines()[1:] == pins


def test_a_cell_of_comments_is_an_empty_one(build) -> None:
    assert build("\n  # later\n").digest == build("").digest


def test_what_is_missing_is_told_with_what_to_install(build) -> None:
    for absent, text in (("pandas", "needs pandas,"), ("apache_beam", "needs apache-beam,")):
        installed = {name: told for name, told in INSTALLED.items() if name != absent}
        with pytest.raises(MissingDependencyError) as caught:
            build(PANDAS, installed=installed.get)
        assert text in str(caught.value)
        assert str(caught.value).endswith("\nInstall it: %pip install 'mlmagic[beam]'")


def test_programs_start_cold_whatever_they_import(build) -> None:
    assert (
        build("import tensorflow as tf\n" + PANDAS).cold_reason == "it runs a pipeline of Beam, which is not kept warm"
    )
    assert build(PANDAS).cold_reason == "it imports neither tensorflow nor keras"


def test_data_files_come_along(build) -> None:
    file = DataFile(name="zones", file_name="zones.npy", content=b"1", loader='Path("data")')
    package = build(PANDAS.replace("2.5", "zones"), data={"zones": file, "other": file})
    assert package.files["preprocessor/data/zones.npy"] == b"1"
    assert 'zones = Path("data")' in package.files["preprocessor/cell.py"].decode()
    assert package.notes == ("`other` is not shipped: the cell does not use it",)


def test_rows_one_by_one_are_said_to_be_slow(build) -> None:
    assert build("def clean_row(row):\n    return row").notes == (
        "`clean_row` runs once for every row, which is slow; `clean(batch)` takes whole batches",
    )


def test_a_function_that_stands_elsewhere_is_said_to_be_left_out(build) -> None:
    live = {"clean": LiveName(name="clean", type_name="function", cell_number=3)}
    note = "`clean` of Cell [3] is not used: the job calls what stands in the cell of %%preprocess itself"
    assert build("fare: numeric", live=live).notes == build("", live=live).notes == (note,)
    assert build(PANDAS, live=live).notes == ()


def test_a_module_of_the_users_may_not_be_called_as_the_package(build, tmp_path: Path) -> None:
    (tmp_path / "preprocessor.py").write_text("x = 1\n")
    with pytest.raises(CellError) as caught:
        build("import preprocessor\n" + PANDAS, local_modules=lambda _: tmp_path / "preprocessor.py")
    assert str(caught.value).startswith("the cell imports a module of your own, preprocessor.py, that has the name")


def test_the_projects_name_and_packages(build) -> None:
    project = tomllib.loads(build("fare: numeric").files["pyproject.toml"].decode())
    assert project["project"]["name"] == "taxi-rides-preprocessor"
    packages = project["tool"]["setuptools"]["packages"]
    assert {"preprocessor", "preprocessor.preprocessing", "preprocessor.statistics", "preprocessor.spec"} <= {*packages}
    assert "package-data" in project["tool"]["setuptools"]


@pytest.fixture
def run_without_mlmagic(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "my export")}
        command = [sys.executable, "-P", "-c", f"{BLOCKER}\n{code}", *args]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


RUN = "import runpy\nrunpy.run_module('preprocessor.task', None, '__main__')"


def test_an_exported_package_tells_its_flags_without_mlmagic(build, run_without_mlmagic, tmp_path: Path) -> None:
    write_package(build(PANDAS), tmp_path / "my export")
    told = run_without_mlmagic(RUN, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "--max-rejected" in told.stdout


def test_an_exported_package_makes_a_dataset_without_mlmagic(build, run_without_mlmagic, tmp_path: Path) -> None:
    write_package(build(PANDAS), tmp_path / "my export")
    (tmp_path / "my rides.csv").write_text("id,fare\n" + "".join(f"{number},{number / 10}\n" for number in range(200)))
    told = run_without_mlmagic(RUN, "--input", "my rides.csv", "--target", "fare", "--output", "out put")
    assert told.returncode == 0, told.stderr
    assert {"schema.json", "statistics.json"} <= {path.name for path in (tmp_path / "out put").iterdir()}


def test_every_module_of_an_exported_package_can_be_imported(build, run_without_mlmagic, tmp_path: Path) -> None:
    write_package(build(ARROW), tmp_path / "my export")
    names = [path.removesuffix(".py").replace("/", ".") for path in vendored_files()]
    modules = [name.removesuffix(".__init__") for name in names]
    told = run_without_mlmagic(f"import importlib\nfor name in {modules!r}:\n    importlib.import_module(name)\n")
    assert told.returncode == 0, told.stderr


def test_no_code_depends_on_where_it_is_imported_from() -> None:
    for path, content in vendored_files().items():
        tree = ast.parse(content)
        docstrings = {
            ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, _WITH_DOCSTRING)
        }
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in texts if "mlmagic." in text and text not in docstrings], path


_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
