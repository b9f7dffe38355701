from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic.server import checkpoints
from mlmagic.server.checkpoints import numbers_in
from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.panel_rows import Checkpoints
from mlmagic.workspace.layout import JobFolder

BEGIN = 1_000_000_000


@pytest.fixture
def job(session: Session) -> JobFolder:
    return Jobs(session.workspace).make("")


def write(job: JobFolder, *names: str, size: int = 10) -> None:
    """Write files, each a second newer than those before."""
    for name in names:
        path = job.checkpoint_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        seconds = BEGIN + sum(each.is_file() for each in job.checkpoint_dir.rglob("*"))
        os.utime(path, (seconds, seconds))


async def listed(ask: Ask, job: JobFolder) -> Checkpoints:
    answer = await ask(f"jobs/{job.id}/checkpoints")
    assert answer.status == 200
    return decode(Checkpoints, answer.json)


async def test_a_job_without_checkpoints_says_where_they_would_be(ask: Ask, job: JobFolder) -> None:
    folder = str(job.checkpoint_dir)
    assert await listed(ask, job) == Checkpoints(folder=folder, checkpoints=(), total=0, size_bytes=0)
    job.checkpoint_dir.rmdir()
    assert (await ask(f"jobs/{job.id}/checkpoints")).json["checkpoints"] == []
    assert (await ask("jobs/taxi-20260131-235959-0a1b/checkpoints")).status == 404


async def test_checkpoints_are_listed_the_newest_first(ask: Ask, job: JobFolder) -> None:
    write(job, "epoch-1.keras", "epoch-2.keras", "best/model.weights.h5")
    found = await listed(ask, job)
    assert [each.name for each in found.checkpoints] == ["best/model.weights.h5", "epoch-2.keras", "epoch-1.keras"]
    assert [each.epoch for each in found.checkpoints] == [None, 2, 1]
    second = found.checkpoints[1]
    assert (second.path, second.size_bytes) == (str(job.checkpoint_dir / "epoch-2.keras"), 10)
    assert (second.time.timestamp(), found.total, found.size_bytes) == (BEGIN + 2, 3, 30)


async def test_the_files_of_one_of_tensorflows_checkpoints_are_one(ask: Ask, job: JobFolder) -> None:
    for number in (1, 2):
        write(job, f"ckpt-{number}.data-00000-of-00002", f"ckpt-{number}.data-00001-of-00002", f"ckpt-{number}.index")
    write(job, "checkpoint", "ckpt-3.data-00000-of-00001", "ckpt-4_temp/part-00000-of-00001.index", ".hidden")
    found = await listed(ask, job)
    assert [(each.name, each.step, each.size_bytes) for each in found.checkpoints] == [
        ("ckpt-2", 2, 30),
        ("ckpt-1", 1, 30),
    ]
    assert found.checkpoints[0].path == str(job.checkpoint_dir / "ckpt-2")


async def test_a_folder_that_is_loaded_as_a_whole_is_one(ask: Ask, job: JobFolder) -> None:
    write(job, "300/saved_model.pb", "300/variables/variables.index", "300/assets/words.txt")
    write(job, "checkpoint-400/_CHECKPOINT_METADATA", "checkpoint-400/d/0")
    found = await listed(ask, job)
    assert [(each.name, each.step, each.is_folder, each.size_bytes) for each in found.checkpoints] == [
        ("checkpoint-400", 400, True, 20),
        ("300", 300, True, 30),
    ]


async def test_of_very_many_the_newest_are_sent_and_all_are_counted(
    ask: Ask, job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MOST_CHECKPOINTS", 2)
    write(job, *(f"step-{number}.pt" for number in range(5)))
    found = await listed(ask, job)
    assert ([each.step for each in found.checkpoints], found.total, found.size_bytes) == ([4, 3], 5, 50)


async def test_nothing_beside_them_is_listed(ask: Ask, job: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "secret.pt").write_text("x")
    write(job, "own.pt")
    (job.checkpoint_dir / "link.pt").symlink_to(tmp_path / "secret.pt")
    (job.checkpoint_dir / "folder").symlink_to(tmp_path)
    (job.checkpoint_dir / "loop").symlink_to(job.checkpoint_dir)
    os.mkfifo(job.checkpoint_dir / "pipe.pt")
    assert [each.name for each in (await listed(ask, job)).checkpoints] == ["own.pt"]


async def test_names_that_are_no_text_are_sent(ask: Ask, job: JobFolder) -> None:
    name = os.fsdecode(b"step-7-\xff.pt")
    write(job, name)
    (checkpoint,) = (await ask(f"jobs/{job.id}/checkpoints")).json["checkpoints"]
    assert (checkpoint["name"], checkpoint["step"]) == (name, 7)


@pytest.mark.parametrize(
    ("name", "step", "epoch"),
    [
        ("ckpt-300", 300, None),
        ("model-12.keras", 12, None),
        ("Epoch=03-val_loss=0.25.ckpt", None, 3),
        ("epoch_2_step_40.pt", 40, 2),
        ("ep07.weights.h5", None, 7),
        ("checkpoint-500/model.safetensors", 500, None),
        ("run-2/epoch-3/model.keras", None, 3),
        ("1200", 1200, None),
        ("1200/model.keras", 1200, None),
        ("run-2/model.keras", None, None),
        ("global_step_9.pt", 9, None),
        ("best.keras", None, None),
        ("weights.05-0.32.hdf5", None, None),
        ("deep4.keras", None, None),
        ("9" * 40, None, None),
    ],
)
def test_a_name_tells_step_and_epoch(name: str, step: int | None, epoch: int | None) -> None:
    assert numbers_in(name) == (step, epoch)
