"""How a run ends that does not go well, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlmagic.errors import MlmagicError, UsageError
from mlmagic.preprocessing import storage
from mlmagic.preprocessing.failures import leave_failure, read_failure
from mlmagic.preprocessing.main import main
from mlmagic.preprocessing.output import clear_output, prepare_output

from .conftest import Preprocess


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.csv"
    path.write_text("n\n" + "".join(f"{n}\n" for n in range(10_000)), "utf-8")
    return path


LATE = "def clean(frame):\n    if 9000 in set(frame.n):\n        {}\n    return frame\n"


def test_an_exception_in_the_cell_is_told_from_its_own_frames_on(
    numbers: Path, preprocess: Preprocess, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        preprocess(numbers, cell=LATE.format("raise ValueError('x')"))
    assert caught.value.code == 1
    # Beam prints a longer one of its own before.
    last = capsys.readouterr().err.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    assert last[0].endswith("in clean")
    assert last[-1] == "ValueError: x"


def test_so_is_one_at_the_first_rows(numbers: Path, preprocess: Preprocess, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        preprocess(numbers, cell="def clean(frame):\n    1 / 0\n")
    assert capsys.readouterr().err.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_what_clean_must_not_return_is_told_by_one_message(numbers: Path, preprocess: Preprocess) -> None:
    with pytest.raises(MlmagicError, match="clean returned None"):
        preprocess(numbers, cell=LATE.format("return"))


def test_the_first_failure_counts(tmp_path: Path) -> None:
    for order, error in enumerate([KeyError("b"), MlmagicError("a")]):
        leave_failure(str(tmp_path), 9 - order, error, "cell")
    failure = read_failure(str(tmp_path))
    assert failure is not None
    assert failure.message == "a"
    assert read_failure(str(tmp_path / "nothing")) is None


def test_a_cell_that_cannot_be_imported_says_why(write_cell: Callable[[str], str], numbers: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        main(write_cell("import no_such_module"), ["--input", str(numbers), "--output", str(numbers.parent / "out")])


def test_an_output_is_new_or_empty(tmp_path: Path) -> None:
    prepare_output(str(tmp_path))
    prepare_output(str(tmp_path / "new"))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is not an empty folder: it has "):
        prepare_output(str(tmp_path / "file"))


def test_only_what_a_run_writes_is_cleared(tmp_path: Path) -> None:
    for name in ("schema.json", "train-00000-of-00001.parquet", "rejected/rejected-00000-of-00001.parquet", "mine.txt"):
        storage.write_text(str(tmp_path / name), "")
    clear_output(str(tmp_path), str(tmp_path / ".parts-0123456789ab"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
