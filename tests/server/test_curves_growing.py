from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.event_files import event, record, restart

from mlmagic.runtime.scalars import ScalarReader
from mlmagic.server.curves_growing import CurveFolders, CurvesNow, GrowingCurves, ScalarFiles

Write = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def write(folder: Path) -> Write:
    """Append events to an event file of a run."""

    def write(*events: bytes, run: str = "train", name: str = "1.events") -> None:
        path = folder / run / f"{name}.tfevents"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join(map(record, events)))

    return write


def loss(step: int, value: float = 0.5) -> bytes:
    return event(step, epoch_loss=value)


def steps(now: CurvesNow, name: str = "loss") -> list[int]:
    return [point[0] for point in now.curves[name][: now.counts[name]]]


def test_a_folder_that_is_not_there_has_no_curves(folder: Path) -> None:
    assert GrowingCurves(folder).read().curves == {}


def test_what_comes_is_put_behind_what_was_there(folder: Path, write: Write) -> None:
    growing = GrowingCurves(folder)
    write(loss(0), loss(1))
    first = growing.read()
    write(loss(2))
    second = growing.read()
    assert (steps(first), steps(second)) == ([0, 1], [0, 1, 2])
    assert second.generation == first.generation


def test_nothing_is_read_while_no_file_changes(folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    growing = GrowingCurves(folder)
    write(loss(0))
    growing.read()
    read: list[int] = []
    plain = ScalarReader.read
    monkeypatch.setattr(ScalarReader, "read", lambda self: read.append(1) or plain(self))  # type: ignore[func-returns-value]
    growing.read()
    assert read == []
    write(loss(1))
    growing.read()
    assert read == [1]


def test_folders_are_walked_only_when_they_change(folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ScalarFiles(folder)
    write(loss(0))
    for path in (folder, folder / "train"):
        os.utime(path, (1_000_000, 1_000_000))  # long ago
    assert files.look() == (True, True)
    monkeypatch.setattr(os, "walk", lambda *_: pytest.fail("walked"))
    assert files.look() == (False, False)
    write(loss(1))
    assert files.look() == (False, True)


def test_a_file_that_comes_later_is_found(folder: Path, write: Write) -> None:
    growing = GrowingCurves(folder)
    write(loss(0))
    growing.read()
    write(loss(0, 0.25), run="validation")
    assert set(growing.read().curves) == {"loss", "val_loss"}


@pytest.mark.parametrize("second", [(0, 1), (2, 3)])
def test_another_attempt_begins_a_new_generation(folder: Path, write: Write, second: tuple[int, ...]) -> None:
    growing = GrowingCurves(folder)
    write(*[loss(step, 1.0) for step in range(4)])
    first = growing.read()
    write(*[loss(step, 2.0) for step in second], name="2.events")
    again = growing.read()
    assert again.generation != first.generation
    assert steps(again) == list(range(second[-1] + 1))
    assert again.curves["loss"][-1][2] == 2.0


def test_what_a_program_takes_back_is_gone(folder: Path, write: Write) -> None:
    growing = GrowingCurves(folder)
    write(*[loss(step) for step in range(10)])
    first = growing.read()
    write(restart(5), loss(12), name="2.events")
    again = growing.read()
    assert steps(again) == [0, 1, 2, 3, 4, 12]
    assert again.generation != first.generation


def test_a_step_that_is_written_again_begins_a_new_generation(folder: Path, write: Write) -> None:
    growing = GrowingCurves(folder)
    write(loss(0), loss(1, 1.0))
    first = growing.read()
    write(loss(1, 2.0))
    again = growing.read()
    assert (again.generation != first.generation, again.curves["loss"][-1][2]) == (True, 2.0)


def test_grown_curves_are_those_that_are_read_at_once(folder: Path, write: Write) -> None:
    growing = GrowingCurves(folder)
    for step in range(30):
        write(loss(step, step / 7), run=("train", "validation", "")[step % 3])
        growing.read()
    whole, grown = GrowingCurves(folder).read(), growing.read()
    assert grown.curves == whole.curves
    assert grown.counts == {"loss": 10, "val_loss": 10, "epoch_loss": 10}


def test_what_is_lent_does_not_grow_under_its_reader(folder: Path, write: Write) -> None:
    growing = GrowingCurves(folder)
    write(loss(0))
    now = growing.read()
    write(loss(1))
    growing.read()
    assert steps(now) == [0]


def test_values_of_batches_are_curves_and_no_metrics(folder: Path, write: Write) -> None:
    write(event(0, batch_loss=1.0), loss(0))
    now = GrowingCurves(folder).read()
    assert (set(now.curves), now.metrics) == ({"batch_loss", "loss"}, {"loss"})


def test_who_asks_while_curves_are_read_is_told_of_the_same(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(loss(0))
    folders, plain_read, others = CurveFolders(), GrowingCurves.read, list[CurvesNow]()

    def read(growing: GrowingCurves) -> CurvesNow:
        monkeypatch.setattr(GrowingCurves, "read", plain_read)
        others.append(folders.read(folder))  # by somebody else, just now
        return plain_read(growing)

    monkeypatch.setattr(GrowingCurves, "read", read)
    assert folders.read(folder).generation == others[0].generation


def test_curves_that_nobody_looked_at_lately_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.server.curves_growing._MOST_FOLDERS", 2)
    monkeypatch.setattr("mlmagic.server.curves_growing._IDLE_SECONDS", -1.0)
    folders = CurveFolders()
    first = folders.read(tmp_path / "0").generation
    assert folders.read(tmp_path / "0").generation == first
    for number in range(1, 4):
        folders.read(tmp_path / str(number))
    assert folders.read(tmp_path / "0").generation != first
