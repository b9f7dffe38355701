"""What units leave behind while they read, and what is told of it."""

from __future__ import annotations

from pathlib import Path

from mlmagic.preprocessing.progress import ProgressFile, ProgressTeller


def told(path: Path, total: int, amounts: list[tuple[int, int]]) -> list[str]:
    lines: list[str] = []
    path.touch()
    with ProgressTeller(path, total, lines.append, every=0.001):
        for size, rows in amounts:
            ProgressFile(str(path)).add(size, rows)
    return lines


def test_the_sum_of_all_units_is_told(tmp_path: Path) -> None:
    lines = told(tmp_path / "progress", 951_000_000, [(7_000_000, 100_000), (0, 0), (5_000_000, 26_000)])
    assert lines[-1] == "Read 12,000,000 of 951,000,000 bytes: 126,000 rows"
    assert len(set(lines)) == len(lines)


def test_a_unit_that_was_tried_twice_does_not_exceed_the_whole(tmp_path: Path) -> None:
    assert told(tmp_path / "progress", 10, [(8, 1), (8, 1)])[-1] == "Read 10 of 10 bytes: 2 rows"


def test_nothing_read_is_nothing_told(tmp_path: Path) -> None:
    assert told(tmp_path / "progress", 10, []) == []


def test_units_elsewhere_tell_nothing(tmp_path: Path) -> None:
    ProgressFile(None).add(1, 1)
    ProgressFile(str(tmp_path / "gone" / "progress")).add(1, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_removed_ends_the_telling(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    lines: list[str] = []
    path.touch()
    with ProgressTeller(path, 10, lines.append):
        ProgressFile(str(path)).add(1, 1)
        path.unlink()
    assert lines == []
