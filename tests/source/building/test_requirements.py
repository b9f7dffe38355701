"""Imports become pins, or files of the user's own."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from mlmagic.errors import CellError
from mlmagic.source.requirements import installed_distribution, local_module

CALL = "def train():\n    pass\n"


@pytest.mark.parametrize(
    ("imports", "pins"),
    [
        ("import numpy as np", ["numpy==2.4.6"]),
        ("import os, sys\nfrom pathlib import Path", []),
        ("from sklearn.svm import SVC", ["scikit-learn==1.7.2"]),
        ("import tensorflow as tf", ["keras==3.15.1", "tensorboard==2.21.0", "tensorflow-cpu==2.21.0"]),
        ("import keras", ["keras==3.15.1", "tensorboard==2.21.0", "tensorflow-cpu==2.21.0"]),
        ("import pandas as pd\nd = pd.read_csv", ["pandas==3.1.1"]),
        ("import pandas as pd\nd = lambda: pd.read_parquet('x')", ["pandas==3.1.1", "pyarrow==22.0.0"]),
        ("def f():\n    import numpy", ["numpy==2.4.6"]),
        ("try:\n    import cupy\nexcept ImportError:\n    import numpy", ["numpy==2.4.6"]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nowhere\nelse:\n    import numpy",
            ["numpy==2.4.6"],
        ),
        ("from importlib.util import find_spec\nfolder = find_spec('numpy.testing').origin", ["numpy==2.4.6"]),
        ("import importlib\nimportlib.import_module('numpy'), importlib.import_module('nowhere')", ["numpy==2.4.6"]),
    ],
)
def test_imports_are_pinned_as_installed(build, imports: str, pins: list[str]) -> None:
    package = build(f"{imports}\n{CALL}")
    assert list(package.requirements) == pins
    assert package.files["requirements.txt"].decode().splitlines()[1:] == pins


def test_a_local_version_is_pinned_by_its_public_part(build) -> None:
    package = build(f"import torch\n{CALL}")
    assert package.requirements == ("torch==2.9.0",)
    assert "torch 2.9.0+cpu is required as torch==2.9.0" in package.notes[0]


def test_parts_of_a_namespace_are_looked_up_apart(build) -> None:
    table = {
        "google.cloud.storage": ("google-cloud-storage", "3.0"),
        "google.protobuf.text_format": ("protobuf", "7.0"),
    }
    package = build(
        f"from google.cloud import storage\nfrom google.protobuf import text_format\n{CALL}", installed=table.get
    )
    assert package.requirements == ("google-cloud-storage==3.0", "protobuf==7.0")


def test_modules_that_are_nowhere_are_told_with_their_place(build) -> None:
    with pytest.raises(CellError) as caught:
        build(f"import nowhere\nimport numpy\nfrom lost.things import x\n{CALL}")
    assert str(caught.value) == (
        "the cell imports modules that are neither installed nor files of your own:\n"
        "  - `nowhere` (Cell [9], line 2)\n"
        "  - `lost` (Cell [9], line 4)\n"
        "Run `%pip install nowhere lost`, or put their .py files beside the notebook."
    )


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules the interpreter finds."""
    folder = tmp_path / "beside"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_local_modules_come_along(build, run, beside: Path) -> None:
    (beside / "my_helpers.py").write_text("import numpy\nfrom my_parts.deep import value\n")
    (beside / "my_parts" / "deep").mkdir(parents=True)
    (beside / "my_parts" / "__init__.py").write_text("")
    (beside / "my_parts" / "deep" / "__init__.py").write_text("value = 7\n")
    (beside / "my_parts" / "table.csv").write_text("1\n")
    package = build("from my_helpers import value\nprint(value)", local_modules=local_module)
    assert run(package).stdout == "7\n"
    assert package.requirements == ("numpy==2.4.6",)
    assert 'packages = ["my_parts", "my_parts.deep", "trainer"]\npy-modules = ["my_helpers"]\n' in (
        package.files["pyproject.toml"].decode()
    )
    assert package.notes[0] == f"`my_helpers` is copied from {beside / 'my_helpers.py'}"


def test_of_a_plain_folder_only_the_modules_come_along(build, run, beside: Path) -> None:
    (beside / "my_folder").mkdir()
    (beside / "my_folder" / "part.py").write_text("value = 7\n")
    (beside / "my_folder" / "large.bin").write_bytes(b"\0")
    package = build("from my_folder.part import value\nprint(value)", local_modules=local_module)
    assert run(package).stdout == "7\n"
    assert "my_folder/large.bin" not in package.files
    (beside / "my_data").mkdir()
    assert local_module("my_data") is None


def test_an_optional_import_does_not_hide_a_required_one(build) -> None:
    with pytest.raises(CellError, match=r"`nowhere` \(Cell \[9\], line 6\)"):
        build(f"try:\n    import nowhere\nexcept ImportError:\n    pass\nimport nowhere\n{CALL}")


def test_a_local_module_must_be_complete(build, beside: Path) -> None:
    (beside / "my_helpers.py").write_text("\nimport nowhere\n")
    with pytest.raises(CellError, match=r"`nowhere` \(my_helpers.py, line 2\)"):
        build(f"import my_helpers\n{CALL}", local_modules=local_module)
    (beside / "my_helpers.py").write_text("x = (\n")
    with pytest.raises(CellError, match=r"my_helpers.py line 1 is not Python: '\(' was never closed"):
        build(f"import my_helpers\n{CALL}", local_modules=local_module)


def test_a_local_module_may_not_be_called_trainer(build) -> None:
    with pytest.raises(CellError) as caught:
        build(f"import trainer\n{CALL}", local_modules=lambda name: Path(f"/nb/{name}.py"))
    assert str(caught.value).startswith(
        "the module `trainer` (/nb/trainer.py) has the name of a part of the trainer package."
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [("yaml", "pyyaml"), ("pytest", "pytest"), ("PIL", "pillow"), ("_yaml", "pyyaml"), ("jwt_or_none", None)],
)
def test_what_is_installed_here_is_found(module: str, name: str) -> None:
    assert installed_distribution(module) == (name and (name, importlib.metadata.version(name)))


def test_what_is_nowhere_is_not_found() -> None:
    assert installed_distribution("nowhere_at_all") is None
    assert installed_distribution("google.nowhere") is None
    assert installed_distribution("tomllib_missing.part") is None


def test_a_module_that_only_shares_a_distributions_name_is_not_it() -> None:
    # The distribution is there, as pandas needs it; its module is called dateutil.
    assert installed_distribution("python_dateutil") is None


def write_distribution(folder: Path, name: str, extra: dict[str, str]) -> None:
    info = folder / f"{name}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n\nVersion: 9 in the text\n")
    for file, text in extra.items():
        (info / file).write_text(text)
    (folder / f"{name}.py").write_text("")


def test_an_editable_distribution_is_local(beside: Path) -> None:
    write_distribution(beside, "my_plain", {})
    write_distribution(beside, "my_edited", {"direct_url.json": '{"url": "file:///x", "dir_info": {"editable": true}}'})
    assert installed_distribution("my_plain") == ("my-plain", "1.5")
    assert installed_distribution("my_edited") is None
    assert local_module("my_edited") == beside / "my_edited.py"


def test_installed_and_built_in_modules_are_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_by_hand", type(sys)("made_by_hand"))
    for module in ("pytest", "sys", "nowhere", "made_by_hand"):
        assert local_module(module) is None
