"""The checkpoints of a job over REST: what its program wrote to `AIP_CHECKPOINT_DIR`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.live_views import Views, views_of
from mlmagic.spec.panel_rows import Checkpoint, Checkpoints
from mlmagic.workspace.files import explained

MOST_CHECKPOINTS = 500
_FOLDERS = frozenset({"saved_model.pb", "_CHECKPOINT_METADATA"})
"""What makes a folder one checkpoint: TensorFlow's SavedModel, and Orbax's."""
_STATE = "checkpoint"
"""TensorFlow's own note of which is the newest."""
_PART = re.compile(r"(?P<prefix>.+)\.(?:index|data-\d{5}-of-\d{5})", re.DOTALL)
_UNFINISHED = re.compile(r"\.tempstate\d+|_temp$|\.tmp$|^\.")
_EPOCH = re.compile(r"(?<![a-z])ep(?:och)?s?[-_=.]?(\d{1,9})(?!\d)", re.IGNORECASE)
_STEP = re.compile(r"(?<![a-z])(?:step|iter|iteration|ckpt|checkpoint|cp)s?[-_=.]?(\d{1,15})(?!\d)", re.IGNORECASE)
_LAST = re.compile(r"(?:^|[-_])(\d{1,15})$")
_SUFFIXES = re.compile(r"(?:\.[A-Za-z]\w*)+$")

_Files: TypeAlias = list[tuple[str, os.stat_result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Files that are one checkpoint."""

    path: str
    files: _Files
    is_folder: bool = False


class CheckpointsHandler(Handler):
    """The checkpoints of a job."""

    @described(Checkpoints)
    async def get(self, job: str) -> None:
        """List the checkpoints that a job has by now, the newest first."""
        await self.respond(read_checkpoints, views_of(self.session), job)


def read_checkpoints(views: Views, job_id: str) -> Checkpoints:
    """Return the checkpoints of a job.

    Raises:
        NotFoundError: there is no such job.
        WorkspaceError: the folder cannot be read.
    """
    views.jobs.get(job_id)
    folder = Path(os.path.abspath(views.workspace.job(job_id).checkpoint_dir))  # noqa: PTH100 - links and all
    with explained(f"list the checkpoints of job {job_id}"):
        found = [_checkpoint(each, folder) for each in _below(str(folder))]
    found.sort(key=lambda each: (each.time, each.epoch or 0, each.step or 0, each.name), reverse=True)
    return Checkpoints(
        folder=str(folder),
        checkpoints=tuple(found[:MOST_CHECKPOINTS]),
        total=len(found),
        size_bytes=sum(each.size_bytes for each in found),
    )


def numbers_in(name: str) -> tuple[int | None, int | None]:
    """Return the step and the epoch that a name tells: `ckpt-300`, `epoch-3/model.keras`, `epoch_2_step_40.pt`."""
    *folders, last_part = name.split("/")
    for part in (last_part, *reversed(folders)):
        epoch, step = _EPOCH.search(part), _STEP.search(part)
        if epoch or step:
            return (int(step[1]) if step else None), (int(epoch[1]) if epoch else None)
        # `run-2/model.keras` is no second step.
        last = _LAST.search(_SUFFIXES.sub("", part)) if part is last_part or part.isdecimal() else None
        if last is not None:
            return int(last[1]), None
    return None, None


def _checkpoint(found: _Found, folder: Path) -> Checkpoint:
    name = os.path.relpath(found.path, folder)
    step, epoch = numbers_in(name)
    newest = max(status.st_mtime for _, status in found.files)
    return Checkpoint(
        name=name,
        path=found.path,
        step=step,
        epoch=epoch,
        size_bytes=sum(status.st_size for _, status in found.files),
        time=datetime.fromtimestamp(newest, UTC),
        is_folder=found.is_folder,
    )


def _below(folder: str) -> Iterator[_Found]:
    folders, files = _content(folder)
    if any(name in _FOLDERS for name, _ in files):
        yield _Found(path=folder, files=list(_all_below(folder)), is_folder=True)
        return
    groups: dict[str, _Files] = {}
    for name, status in files:
        if name != _STATE and not _UNFINISHED.search(name):
            part = _PART.fullmatch(name)
            groups.setdefault(part["prefix"] if part else name, []).append((name, status))
    for prefix, group in groups.items():
        # TensorFlow writes the index last: before, it is nothing to go on from.
        if any(name in {prefix, f"{prefix}.index"} for name, _ in group):
            yield _Found(path=f"{folder}/{prefix}", files=group)
    for name in folders:
        if not _UNFINISHED.search(name):
            yield from _below(f"{folder}/{name}")


def _all_below(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    folders, files = _content(folder)
    yield from files
    for name in folders:
        yield from _all_below(f"{folder}/{name}")


def _content(folder: str) -> tuple[list[str], _Files]:
    """Return what is in a folder, links left out; nothing if it is gone, for old checkpoints go while one looks."""
    folders: list[str] = []
    files: _Files = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.append((entry.name, entry.stat(follow_symlinks=False)))
    except FileNotFoundError:
        return [], files
    return folders, files


ROUTES = (Route("jobs/{job}/checkpoints", CheckpointsHandler),)
