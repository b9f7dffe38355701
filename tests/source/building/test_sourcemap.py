"""Tracebacks of real programs, told in cells."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.source.export import write_package
from mlmagic.source.sourcemap import place, translate
from mlmagic.spec.package import SourceMap, TrainerPackage


def told(package: TrainerPackage, text: str) -> str:
    sources = {name: content.decode() for name, content in package.files.items()}
    return translate(text, package.source_map, sources)


def test_frames_name_cell_and_line(build, run) -> None:
    package = build("# a comment\n\ndef train():\n    x = 1\n    return x / 0\n")
    assert told(package, run(package).stderr) == (
        "Traceback (most recent call last):\n"
        "  Cell [9], line 6, in train\n"
        "    return x / 0\n"
        "           ~~^~~\n"
        "ZeroDivisionError: division by zero\n"
    )


def without_carets(text: str) -> str:
    """Which expressions get a line of ~~^^ depends on the version of Python."""
    return re.sub(r"^ +[~^]+\n", "", text, flags=re.MULTILINE)


def test_a_script_is_told_in_cells_too(build, run) -> None:
    package = build("N = 1\n\ndef f():\n    raise KeyError('a')\n\nf()", number=None)
    text = told(package, run(package, "--n", "2").stderr)
    assert without_carets(text) == (
        "Traceback (most recent call last):\n"
        "  Cell [ ], line 7, in <module>\n"
        "    f()\n"
        "  Cell [ ], line 5, in f\n"
        "    raise KeyError('a')\n"
        "KeyError: 'a'\n"
    )


def test_chained_exceptions_are_told_in_cells(build, run) -> None:
    cell = "def train():\n    try:\n        int('x')\n    except ValueError as e:\n        raise OSError('no') from e"
    text = told(package := build(cell), run(package).stderr)
    assert re.findall(r"^  .*line.*$", text, re.MULTILINE) == [
        "  Cell [9], line 4, in train",
        "  Cell [9], line 6, in train",
    ]
    assert "The above exception was the direct cause of the following exception:" in text


@pytest.mark.parametrize("cell", ["N = 1\nprint(1 / 0)", "def train():\n    print(1 / 0)"])
def test_a_folder_behind_a_link_is_known(build, tmp_path: Path, cell: str) -> None:
    package = build(cell)
    write_package(package, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    command = [sys.executable, "-m", "trainer.task"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "link")}
    failed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert told(package, failed.stderr).splitlines()[1].startswith("  Cell [9], line 3, in ")


def test_groups_are_told_in_cells(build, run) -> None:
    cell = (
        "def train():\n    found = []\n    for x in 'ab':\n        try:\n            int(x)\n"
        "        except ValueError as e:\n            found.append(e)\n    raise ExceptionGroup('both', found)"
    )
    text = told(package := build(cell), run(package).stderr)
    assert "  + Exception Group Traceback (most recent call last):\n  |   Cell [9], line 9, in train\n" in text
    assert text.count("    |   Cell [9], line 6, in train\n") == 2
    assert "task.py" not in text


def test_frames_of_libraries_stay(build, run) -> None:
    package = build("import json\n\ndef train():\n    json.loads('{')")
    lines = without_carets(told(package, run(package).stderr)).splitlines()
    assert lines[1] == "  Cell [9], line 5, in train"
    assert re.match(r'  File ".*json/__init__.py", line \d+, in loads', lines[3])


def test_an_error_of_the_runner_shows_its_frames(build, run) -> None:
    cell = "def train():\n    return {'a': 1}"
    package = build(cell)
    text = told(package, run(package, env={"CLOUD_ML_HP_METRIC_FILE": "/dev/null/x"}).stderr)
    assert 'File "<mlmagic> trainer/task.py", line' in text
    assert "runpy" not in text
    assert text.endswith("FileExistsError: [Errno 17] File exists: '/dev/null'\n")


def test_generated_frames_below_the_cell_are_marked(build) -> None:
    package = build("def train():\n    pass")
    text = (
        "Traceback (most recent call last):\n"
        '  File "/j/package/trainer/task.py", line 3, in main\n'
        '  File "/j/package/trainer/model.py", line 5, in train\n'
        "    load()\n"
        '  File "/j/package/trainer/task.py", line 1, in load\n'
        "    raise ValueError\n"
        "ValueError\n"
    )
    assert [line for line in told(package, text).splitlines() if not line.startswith("    ")] == [
        "Traceback (most recent call last):",
        "  Cell [9], line 2, in train",
        '  File "<mlmagic> trainer/task.py", line 1, in load',
        "ValueError",
    ]


def test_recursion_is_told_once(build, run) -> None:
    package = build("def f(n):\n    return f(n + 1)\n\ndef train():\n    f(0)")
    text = told(package, run(package).stderr)
    assert "  Cell [9], line 6, in train\n" in text
    assert "  [Previous line repeated" in text


def test_a_syntax_error_while_running_is_placed(build, run) -> None:
    package = build("def train():\n    compile('x = (', 'made.py', 'exec')")
    lines = told(package, run(package).stderr).splitlines()
    assert lines[1] == "  Cell [9], line 3, in train"
    assert '  File "made.py", line 1' in lines


def test_a_syntax_error_in_the_package_is_placed(build) -> None:
    package = build("print(1)\nprint(2)")
    text = (
        "Traceback (most recent call last):\n"
        '  File "<frozen runpy>", line 198, in _run_module_as_main\n'
        '  File "/j/package/trainer/task.py", line 3, in <module>\n'
        '  File "/j/package/trainer/model.py", line 5\n'
        "    print(2)\n"
        "    ^\n"
        "SyntaxError: invalid syntax\n"
    )
    assert told(package, text) == (
        "Traceback (most recent call last):\n  Cell [9], line 3\n    print(2)\n    ^\nSyntaxError: invalid syntax\n"
    )


def test_a_missing_source_line_is_added(build) -> None:
    package = build("print(1)\nprint(2)")
    text = 'Traceback (most recent call last):\n  File "/gone/trainer/model.py", line 5, in <module>\nOSError: x\n'
    assert told(package, text).splitlines()[1:3] == ["  Cell [9], line 3, in <module>", "    print(2)"]


def test_places_within_messages_are_translated(build) -> None:
    package = build("def train():\n    pass")
    text = 'in user code:\n\n    File "/j/package/trainer/model.py", line 5, in call  *\n        pass\n'
    assert "    Cell [9], line 2, in call  *\n" in told(package, text)


def test_a_given_package_keeps_its_names() -> None:
    sources = {"trainer/task.py": "x = 1\n", "trainer/util.py": "y\n"}
    text = (
        "Traceback (most recent call last):\n"
        '  File "<frozen runpy>", line 88, in _run_code\n'
        '  File "/j/package/trainer/task.py", line 1, in <module>\n'
        '  File "/elsewhere/trainer/util.py", line 1, in f\n'
        "ValueError\n"
    )
    assert translate(text, SourceMap(), sources) == (
        "Traceback (most recent call last):\n"
        '  File "trainer/task.py", line 1, in <module>\n'
        "    x = 1\n"
        '  File "/elsewhere/trainer/util.py", line 1, in f\n'
        "ValueError\n"
    )


@pytest.mark.parametrize(
    "text", ["", "Killed\n", 'Traceback (most recent call last):\n  File "/a/b.py", line 1, in x\nE: no\n']
)
def test_text_without_the_package_stays(build, text: str) -> None:
    assert told(build("print(1)"), text) == text


def test_a_line_between_blocks_has_no_place(build) -> None:
    package = build("print(1)")
    assert place(package.source_map, "trainer/model.py", 1) is None
    assert place(package.source_map, "trainer/model.py", 4) == "Cell [9], line 2"
    assert place(package.source_map, "trainer/task.py", 4) is None
