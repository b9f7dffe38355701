"""Packages that somebody else wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlmagic.errors import PackageError
from mlmagic.source import folder as folder_module
from mlmagic.source.package_dir import read_package
from mlmagic.spec.package import CellShape


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as the ML Engine courses have it."""
    root = tmp_path / "taxifare"
    (root / "trainer" / "sub").mkdir(parents=True)
    (root / "trainer" / "__init__.py").write_text("")
    (root / "trainer" / "task.py").write_text("from trainer import model\nprint(model.X)\n")
    (root / "trainer" / "model.py").write_text("X = 42\n")
    (root / "trainer" / "vocabulary.txt").write_text("a\nb\n")
    (root / "trainer" / "__pycache__").mkdir()
    (root / "trainer" / "__pycache__" / "task.pyc").write_bytes(b"\0")
    (root / "setup.py").write_text("raise SystemExit('must not run')\n")
    (root / "requirements.txt").write_text("# pins\npandas>=2  # why\n-r other.txt\n\n")
    return root


def error_of(directory: Path, module: str = "trainer.task") -> str:
    with pytest.raises(PackageError) as caught:
        read_package(directory, module)
    return str(caught.value).replace(str(directory.parent), "~")


def test_a_package_is_read_from_its_parent_and_runs(project: Path, run) -> None:
    package = read_package(project, "trainer.task")
    assert (package.shape, package.module, package.flags) == (CellShape.GIVEN, "trainer.task", ())
    assert sorted(package.files) == [
        "requirements.txt",
        "setup.py",
        "trainer/__init__.py",
        "trainer/model.py",
        "trainer/task.py",
        "trainer/vocabulary.txt",
    ]
    assert package.requirements == ("pandas>=2",)
    assert run(package).stdout == "42\n"


def test_a_package_is_read_from_its_own_folder(project: Path) -> None:
    (project / "other.py").write_text("")
    alone, whole = read_package(project / "trainer"), read_package(project)
    assert set(whole.files) - set(alone.files) == {"other.py"}
    assert alone.digest == read_package(project / "trainer").digest != whole.digest


def test_siblings_come_along_and_other_folders_do_not(project: Path) -> None:
    (project / "shared").mkdir()
    (project / "shared" / "__init__.py").write_text("broken (")
    (project / "data").mkdir()
    (project / ".git").mkdir()
    package = read_package(project)
    assert "shared/__init__.py" in package.files
    assert package.notes == ("left out, not being packages: data/",)


def test_a_missing_directory_is_told(project: Path) -> None:
    assert error_of(project.parent / "taxifair") == "--package ~/taxifair: no such directory.\nDid you mean taxifare?"
    assert "is a file; it takes the folder of a package." in error_of(project / "setup.py")


def test_a_folder_without_init_is_no_package(project: Path) -> None:
    (project / "trainer" / "__init__.py").unlink()
    expected = "--package ~/taxifare: ~/taxifare/trainer has no __init__.py, so it is not a package.\n"
    assert error_of(project) == f"{expected}Create it, empty: touch ~/taxifare/trainer/__init__.py"
    assert "~/trainer has no __init__.py" in error_of(project / "trainer")


def test_a_subpackage_needs_its_init_too(project: Path) -> None:
    (project / "trainer" / "sub" / "task.py").write_text("")
    assert "taxifare/trainer/sub has no __init__.py" in error_of(project, "trainer.sub.task")


def test_a_missing_module_is_told_with_the_nearest(project: Path) -> None:
    assert error_of(project, "trainer.tusk") == (
        "--module trainer.tusk: ~/taxifare has no trainer/tusk.py.\nDid you mean trainer.task or trainer.model?"
    )
    assert error_of(project, "trainer.zzzzzzzzzzzzzzz").endswith("It has trainer.model, trainer.task.")


def test_another_package_is_offered(project: Path) -> None:
    assert error_of(project, "taxi.task") == (
        "--package ~/taxifare holds no package taxi; it holds trainer.\nTry --module trainer.task."
    )
    assert "is a package called trainer, and --module begins with taxi." in error_of(project / "trainer", "taxi.task")
    (project.parent / "empty").mkdir()
    assert "it holds no package at all." in error_of(project.parent / "empty")


@pytest.mark.parametrize("module", ["trainer/task.py", "", "trainer..task", "trainer.my-task"])
def test_a_module_name_has_dots(project: Path, module: str) -> None:
    assert error_of(project, module).startswith(f"--module {module!r} is not the name of a module.")


def test_a_main_module_will_do(project: Path) -> None:
    (project / "trainer" / "__main__.py").write_text("")
    assert read_package(project, "trainer").module == "trainer"


def test_syntax_errors_are_listed(project: Path) -> None:
    (project / "trainer" / "model.py").write_text("print 'old'\n")
    (project / "trainer" / "util.py").write_text("x = (\n")
    (project / "trainer" / "binary.py").write_bytes(b"\xff\xfe")
    text = error_of(project)
    assert "  - trainer/model.py, line 1: Missing parentheses in call to 'print'" in text
    assert "  - trainer/util.py, line 1: '(' was never closed" in text
    assert "  - trainer/binary.py" in text
    assert "It was written for Python 2" in text


def test_links_that_lead_out_are_refused(project: Path) -> None:
    (project.parent / "secret").write_text("s")
    link = project / "trainer" / "notes.txt"
    link.symlink_to(project.parent / "secret")
    assert error_of(project).startswith("~/taxifare/trainer/notes.txt is a link to ~/secret, outside of the package.")
    link.unlink()
    link.symlink_to(project / "trainer" / "vocabulary.txt")
    assert read_package(project).files["trainer/notes.txt"] == b"a\nb\n"


def test_a_linked_folder_that_leads_out_is_refused(project: Path) -> None:
    (project / "trainer" / "all").symlink_to(project.parent)
    assert "is a link to" in error_of(project)


def test_what_is_no_file_is_left_out(project: Path) -> None:
    os.mkfifo(project / "trainer" / "pipe")
    (project / "trainer" / "gone").symlink_to(project / "trainer" / "nothing")
    assert {"trainer/pipe", "trainer/gone"}.isdisjoint(read_package(project).files)


def test_what_is_too_large_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(project / "trainer" / "vocabulary.txt", folder_module.MAX_BYTES + 1)
    assert error_of(project) == (
        "~/taxifare/trainer is too large for a trainer package: it has more than 5000 files or 256 MB.\n"
        "Keep data outside of the package, and give its path to the program as a flag."
    )


def test_virtual_environments_are_left_out(project: Path) -> None:
    (project / "trainer" / "my_env").mkdir()
    (project / "trainer" / "my_env" / "pyvenv.cfg").write_text("")
    (project / "trainer" / "my_env" / "x.py").write_text("")
    (project / "trainer" / ".ipynb_checkpoints").mkdir()
    (project / "trainer" / ".ipynb_checkpoints" / "task.py").write_text("")
    assert not any("env" in name or "checkpoints" in name for name in read_package(project).files)


def test_a_subpackage_between_needs_its_init(project: Path) -> None:
    (project / "trainer" / "sub" / "deep").mkdir()
    (project / "trainer" / "sub" / "deep" / "__init__.py").write_text("")
    (project / "trainer" / "sub" / "deep" / "task.py").write_text("")
    assert "taxifare/trainer/sub has no __init__.py" in error_of(project, "trainer.sub.deep.task")
