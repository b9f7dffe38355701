"""Copies of mlmagic's own modules: what is followed, what is renamed, what is refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mlmagic.source.preprocessing import vendored_files
from mlmagic.source.vendor import copies

MODULES = {
    "__init__.py": "raise SystemExit",
    "errors.py": '"""mlmagic."""\n',
    "spec/__init__.py": "",
    "spec/dataset.py": "from mlmagic.errors import (\n    UsageError,\n)\n",
    "spec/job.py": "",
    "beam/__init__.py": "",
    "beam/main.py": (
        "import json\nfrom mlmagic.spec import dataset\n\n\ndef main():\n    from mlmagic.beam.read import rows\n"
    ),
    "beam/read/__init__.py": "rows = 'from mlmagic.spec'\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_is_imported_comes_along_and_nothing_else(root: Path) -> None:
    found = copies(root, "beam.main", "pre")
    assert list(found) == [
        "pre/beam/__init__.py",
        "pre/beam/main.py",
        "pre/beam/read/__init__.py",
        "pre/errors.py",
        "pre/spec/__init__.py",
        "pre/spec/dataset.py",
    ]


def test_only_imports_are_renamed(root: Path) -> None:
    found = {name: text.decode() for name, text in copies(root, "beam.main", "pre").items()}
    assert "from pre.spec import dataset" in found["pre/beam/main.py"]
    assert "    from pre.beam.read import rows" in found["pre/beam/main.py"]
    assert found["pre/spec/dataset.py"] == "from pre.errors import (\n    UsageError,\n)\n"
    assert found["pre/errors.py"] == '"""mlmagic."""\n'
    assert found["pre/beam/read/__init__.py"] == "rows = 'from mlmagic.spec'\n"


@pytest.mark.parametrize("line", ["import mlmagic.errors", "from mlmagic import errors", "from . import read"])
def test_another_form_of_import_is_refused(root: Path, line: str) -> None:
    (root / "beam" / "main.py").write_text(line)
    with pytest.raises(ModuleNotFoundError, match=r"line 1: only `from mlmagic\.x import y` can be copied"):
        copies(root, "beam.main", "pre")


def test_a_module_that_is_not_there_is_an_error(root: Path) -> None:
    (root / "errors.py").unlink()
    with pytest.raises(ModuleNotFoundError, match=r"no module mlmagic\.errors"):
        copies(root, "beam.main", "pre")


def test_the_pipeline_imports_nothing_else_of_mlmagic() -> None:
    files = vendored_files()
    imported = {
        node.module
        for text in files.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not [module for module in imported if module.partition(".")[0] == "mlmagic"]
    assert {path.split("/")[1] for path in files} == {"preprocessing", "statistics", "spec", "errors.py"}
